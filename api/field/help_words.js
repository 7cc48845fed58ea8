// What the help says, in Chinese and English: each flow with its steps and an example.

const pair = (zh, en) => ({ zh, en });

export const NEWS = [
  pair("设施标签的末位是校验码:输错一位会提示", "Labels end in a check character: a mistyped code is noticed"),
  pair("只显示与场所类型有关的检查项,其余一点即可显示", "Only the items of the site's type are shown; one tap shows the rest"),
  pair("可设 PIN 码:不用 5 分钟自动锁定,锁定时照常发送", "A PIN can be set: the app locks after 5 minutes and goes on sending"),
];

export const FLOWS = [
  {
    title: pair("完成一处检查", "Check one site"),
    steps: [
      pair("“今日”里点一处,或扫设施标签", "Tap a site under Today, or scan its label"),
      pair("不合格的逐项点“不合格”,其余点“其余全部合格”", "Tap Fails where something fails, then All others are OK"),
      pair("检查组写两人以上,点“完成检查”", "Name two people or more, then Finish the visit"),
    ],
    example: pair("例:老街火锅店 11 项都合格:点“其余全部合格”,加上李娜,完成。没人在也要记:选“到访不遇”。", "Example: all 11 items are right at the hotpot shop: All others are OK, add Li Na, finish. Nobody there is a record, too: No entry."),
  },
  {
    title: pair("当场整改", "Fixed on the spot"),
    steps: [
      pair("点“不合格”,拍全景和近景", "Tap Fails; take the wide and the close photo"),
      pair("点“当场整改”,拍整改后照片", "Fixed on the spot; take the photo after"),
      pair("单位签字;不肯签的写明理由", "The unit signs; or write why it refuses"),
    ],
    example: pair("例:软管老化,老板当场换新:三张照片、一个签字,一分钟记完。", "Example: an aged hose is replaced while you wait: three photos, one signature, one minute."),
  },
  {
    title: pair("限期整改", "Order by a date"),
    steps: [
      pair("点“不合格”,拍全景和近景,写一句描述", "Tap Fails; two photos and a line of description"),
      pair("点“限期整改”:期限按规定预设,放宽要写理由", "Order by a date: the rule's is preset, a later one needs a reason"),
      pair("单位签字或写明拒签理由,保存", "The unit signs, or write why it refuses; save"),
    ],
    example: pair("例:没装报警器,约好 3 天内装:选“3 天”。办公室收到后下达通知书。", "Example: no alarm, to be installed within three days: 3 d. The office sends the notice."),
  },
  {
    title: pair("扫码和输入编号", "Scan or type a code"),
    steps: [
      pair("“扫码”对准标签;看不清就输入编号", "Scan the label; if it cannot be read, type its code"),
      pair("末位是校验码,可带可不带", "The last character is its check: with it or without"),
      pair("不在今天设施里的标签:可看此处隐患,也可记录", "A label that is none of today's: see what is open there, or record"),
    ],
    example: pair("例:标签 RQ00002-T,输成 RQ00003-T 会提示“校验码不符”。没有标签:“就近选择”。", "Example: RQ00003-T typed for RQ00002-T is noticed. No label: Nearby or somewhere else."),
  },
  {
    title: pair("复查和补充", "Re-inspect, add to a case"),
    steps: [
      pair("“隐患”里点一条", "Tap a case under Hazards"),
      pair("复查合格或不合格:拍照,写理由", "Passed or returned: take a photo, write why"),
      pair("同一问题已在册的,点“补充”", "The same is open already: Add to it"),
    ],
    example: pair("例:昨天同事已记“软管老化”,今天又看到:点“补充”加一张照片,不重复立项。", "Example: a colleague recorded the hose yesterday: add a photo, not a second case."),
  },
  {
    title: pair("没有信号", "Without a signal"),
    steps: [
      pair("照常记录,都存在手机里", "Record as always: everything is kept on the phone"),
      pair("有信号时自己发送;右上角是“已收到/已记录”", "It goes by itself later; the top shows received/recorded"),
      pair("长期没有信号:“待发”→“导出为文件”交给办公室", "No signal for long: Outbox, Export as a file, to the office"),
    ],
    example: pair("例:地下室记了 5 条,显示 0/5;回到地面几分钟后变成 5/5。照片没传完前不要清理浏览器。", "Example: five recorded in a basement show 0/5; some minutes later, outside, 5/5. Do not clear the browser before."),
  },
  {
    title: pair("登录失效、换人、PIN 码", "Ended logins, shared phones, the PIN"),
    steps: [
      pair("登录失效照常记录,登录后发送", "Record on; log in to send"),
      pair("换人:“我的”→“换人使用”,记录算在记录人名下", "Another person: under Me; records stay under who made them"),
      pair("PIN 码:“我的”里设置;忘了就联网登录", "PIN: set under Me; forgotten, log in with a signal"),
    ],
    example: pair("例:手机丢了,捡到的人错 10 次后当天资料被清除;请同时告诉办公室停用这台手机。", "Example: whoever finds a lost phone wipes the day with ten wrong PINs; tell the office to end this phone's login, too."),
  },
  {
    title: pair("照片", "Photos"),
    steps: [
      pair("用本页拍照,原片原样保存,另存一张水印副本", "Take them here: the original is kept untouched, beside a watermarked copy"),
      pair("超过 8 MB 的会压缩后保存并记下原图校验值;相机请设为 JPEG", "Above 8 MB a smaller one is kept, with the original's hash; set the camera to JPEG"),
    ],
    example: pair("例:相机存 HEIC 时手机和办公页面都不能预览,原片仍完整送达,办公室下载后查看。", "Example: HEIC photos have no preview, here or in the office; they arrive whole and are opened after a download."),
  },
];
