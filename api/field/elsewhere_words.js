// The words of a label that is none of today's, in Chinese and English.

export const ELSEWHERE_WORDS = {
  elsewhere: ["不在今天的设施里", "None of today's assets"],
  elsewhere_asking: ["正在查询此处未销号的隐患…", "Asking what is open there…"],
  elsewhere_offline: ["没有连上服务器:不知道此处有没有未销号的隐患", "The server cannot be reached: what is open there is not known"],
  elsewhere_none: ["此处没有未销号的隐患", "Nothing is open there"],
  elsewhere_typed: ["手工输入的编号查不到此处的隐患,扫描标签可以查询", "What is open there is asked by scanning the label, not by a typed code"],
  elsewhere_record: ["在此处记录(编号一并记入),请选择类别", "Record here, with the code; choose the kind"],
};
