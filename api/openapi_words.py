"""What each operation is called in the OpenAPI document; a test fails for one without words."""

from __future__ import annotations

from collections.abc import Mapping

from gis.attributes import Text

WORDS: Mapping[tuple[str, str], Text] = {
    ("GET", "/"): Text(zh="入口", en="Landing page"),
    ("GET", "/api"): Text(zh="本定义", en="This document"),
    ("GET", "/api.html"): Text(zh="本定义的网页", en="This document as a page"),
    ("GET", "/conformance"): Text(zh="符合性声明", en="Conformance"),
    ("GET", "/collections"): Text(zh="图层集合", en="Collections"),
    ("GET", "/tileMatrixSets"): Text(zh="瓦片矩阵集", en="Tiling schemes"),
    ("GET", "/tileMatrixSets/WebMercatorQuad"): Text(zh="瓦片矩阵", en="Scheme"),
    ("GET", "/tiles"): Text(zh="瓦片集", en="Tilesets"),
    ("GET", "/tiles/WebMercatorQuad"): Text(zh="瓦片集说明", en="Tileset"),
    ("GET", "/tiles/WebMercatorQuad/{z}/{row}/{col}"): Text(
        zh="一张瓦片,含多个图层", en="Several kinds in one tile"
    ),
    ("GET", "/search"): Text(zh="按编号或名称查找", en="Search by code or name"),
    ("GET", "/events"): Text(zh="变更通知", en="Changes"),
    ("GET", "/maps/{name}"): Text(zh="网页地图", en="Live map"),
    ("GET", "/maps/{name}/config"): Text(zh="地图的图层与数量", en="Its layers and counts"),
    ("GET", "/static/app/{version}/{file}"): Text(
        zh="本站脚本与样式", en="Scripts and styles of ours"
    ),
    ("GET", "/static/vendor/{file}"): Text(zh="浏览器程序库", en="Browser libraries"),
    ("GET", "/login"): Text(zh="登录页", en="The page to log in with"),
    ("POST", "/login"): Text(zh="登录", en="Log in"),
    ("POST", "/logout"): Text(zh="退出", en="Log out"),
    ("GET", "/me"): Text(zh="当前用户", en="Who is logged in"),
    ("POST", "/me/password"): Text(zh="修改本人口令", en="Change one's own password"),
    ("GET", "/me/second-factor"): Text(zh="本人的二次验证", en="One's own second factor"),
    ("POST", "/me/second-factor"): Text(
        zh="开始设置二次验证", en="Begin to set up a second factor"
    ),
    ("POST", "/me/second-factor/confirm"): Text(
        zh="以动态码启用二次验证", en="Put it in force by a code"
    ),
    ("GET", "/account"): Text(zh="本人账号页", en="The page of one's own account"),
    ("POST", "/devices"): Text(zh="登记手机", en="Bring a phone in"),
    ("GET", "/devices"): Text(zh="本人的手机", en="One's own phones"),
    ("DELETE", "/devices/{id}"): Text(
        zh="停用本人的手机", en="Let a phone of one's own in no more"
    ),
    ("POST", "/enrolments"): Text(zh="生成手机登记码", en="A code for somebody's phone"),
    ("GET", "/app-passwords"): Text(zh="本人的应用口令", en="One's own app passwords"),
    ("POST", "/app-passwords"): Text(zh="生成应用口令", en="A password for a script or QGIS"),
    ("DELETE", "/app-passwords/{id}"): Text(zh="停用应用口令", en="End an app password"),
    ("POST", "/links"): Text(zh="发出整改链接", en="A duty holder's link to one hazard"),
    ("DELETE", "/links/{id}"): Text(zh="停用整改链接", en="End a link"),
    ("GET", "/accounts"): Text(zh="全部账号", en="Every account"),
    ("POST", "/accounts"): Text(zh="新建账号", en="Make an account"),
    ("PATCH", "/accounts/{id}"): Text(
        zh="修改、停用账号或重置口令", en="Change or disable an account, reset its password"
    ),
    ("GET", "/audit"): Text(zh="审计日志", en="The audit trail"),
    ("GET", "/admin"): Text(zh="账号管理页", en="The page of accounts"),
    ("PUT", "/events/{id}"): Text(zh="提交一条外业记录", en="Send one record of the field"),
    ("GET", "/sync"): Text(zh="当日任务与变化", en="The day's work, and what changed"),
    ("POST", "/sync"): Text(zh="批量提交外业记录", en="Send a batch of records"),
    ("GET", "/hazards"): Text(zh="隐患列表", en="Hazards by state, place, deadline"),
    ("GET", "/hazards/{id}"): Text(zh="一处隐患", en="One hazard"),
    ("GET", "/hazards/{id}/timeline"): Text(zh="隐患经过", en="All that was sent about a hazard"),
    ("GET", "/hazards/{id}/alike"): Text(
        zh="与其他照片近似的照片", en="Its photos that are nearly others"
    ),
    ("GET", "/sync/completeness"): Text(zh="同步完整性", en="What devices sent, and what lacks"),
    ("GET", "/notices"): Text(zh="本人的督办通知", en="One's own notices of escalations"),
    ("GET", "/assets/{id}/open-hazards"): Text(zh="设施的未结隐患", en="What is open at an asset"),
    ("GET", "/campaigns"): Text(zh="专项检查及覆盖率", en="Campaigns and their coverage"),
    ("POST", "/campaigns"): Text(zh="部署专项检查", en="Open a campaign"),
    ("GET", "/campaigns/{id}/tasks"): Text(zh="检查对象", en="Targets of a campaign"),
    ("POST", "/campaigns/{id}/tasks"): Text(zh="分派检查任务", en="Assign targets"),
    ("POST", "/campaigns/{id}/close"): Text(zh="结束专项检查", en="End a campaign"),
    ("GET", "/flood/duty"): Text(zh="汛期值守", en="Flood duty: shifts, level, call-outs, reports"),
    ("GET", "/flood/sheet"): Text(zh="易涝点、队伍与物资", en="Flood points, teams and supplies"),
    ("GET", "/plots"): Text(zh="违法用地图斑", en="Land plots to be put right"),
    ("GET", "/plots/{id}"): Text(zh="图斑的整改与执法进展", en="A plot's route, steps and clock"),
    ("GET", "/labels"): Text(zh="可打印的设施标签", en="Labels of assets, to print"),
    ("GET", "/inspections"): Text(zh="管道检测记录", en="Inspections of sewers"),
    ("GET", "/inspections/{id}"): Text(
        zh="一段检测及其评估说明", en="One run, its grade explained"
    ),
    ("GET", "/inspections/repairs"): Text(
        zh="修复清单与工程量", en="What to repair first, with quantities"
    ),
    ("GET", "/inspections/classes"): Text(zh="各管段最新等级", en="Latest class of each pipe"),
    ("POST", "/inspections/import"): Text(zh="导入检测记录表", en="Take in a record table"),
    ("GET", "/pipes/{id}/condition"): Text(zh="管段状况", en="A pipe's condition"),
    ("GET", "/desilting"): Text(zh="清淤台账", en="Desilting jobs, with what needs a look"),
    ("POST", "/desilting"): Text(zh="登记清淤作业", en="Record desilting jobs, one or a table"),
    ("GET", "/desilting/{id}"): Text(
        zh="一项清淤作业及其核对计算", en="One job: flags with their calculation, versions, replies"
    ),
    ("POST", "/desilting/{id}/replies"): Text(
        zh="登记作业单位的回复", en="Keep what the company says about a job"
    ),
    ("GET", "/network/progress"): Text(zh="管网进度表", en="Progress of sewer works, in km and m³"),
    ("GET", "/network/progress/rows"): Text(
        zh="进度表对应的明细", en="The works behind a cell of the grid"
    ),
    ("GET", "/field"): Text(zh="手机端页面", en="The phone app"),
    ("GET", "/field/sw.js"): Text(zh="手机端离线程序", en="Its service worker"),
    ("GET", "/field/manifest.webmanifest"): Text(zh="手机端清单", en="Its manifest"),
    ("GET", "/field/app/{build}/{file}"): Text(zh="手机端文件", en="Its files"),
    ("POST", "/sync/import"): Text(zh="导入手机导出的记录", en="Hand in an exported outbox"),
    ("GET", "/today"): Text(zh="今日盯办", en="What is overdue or due within days"),
    ("GET", "/hazards/figures"): Text(zh="隐患数据", en="Figures of a period"),
    ("GET", "/hazards/figures/rows"): Text(zh="数据对应的明细", en="The rows behind a figure"),
    ("GET", "/hazards/coverage"): Text(zh="检查覆盖率", en="Which sites were visited"),
    ("GET", "/office"): Text(zh="办公页面", en="The office's page"),
    ("GET", "/office/start"): Text(zh="办公页面的起始内容", en="What that page starts with"),
    ("GET", "/office/app/{build}/{file}"): Text(zh="办公页面文件", en="Its files"),
    ("GET", "/surveys"): Text(zh="管网验收页面", en="The page of surveys"),
    ("GET", "/surveys/batches"): Text(zh="管网普查批次", en="Survey batches"),
    ("POST", "/surveys/batches"): Text(zh="提交点表、线表", en="Hand in a survey book"),
    ("GET", "/surveys/batches/{id}"): Text(zh="一个批次", en="One batch"),
    ("GET", "/surveys/batches/{id}/findings"): Text(zh="检查结果", en="Findings of its last book"),
    ("GET", "/surveys/batches/{id}/features"): Text(
        zh="检查结果(GeoJSON)", en="Its findings as GeoJSON"
    ),
    ("GET", "/surveys/batches/{id}/book"): Text(zh="批注后的表", en="The marked book"),
    ("POST", "/surveys/batches/{id}/decisions"): Text(
        zh="认定或豁免检查结果", en="Accept or waive findings"
    ),
    ("POST", "/surveys/batches/{id}/deliverables"): Text(
        zh="登记成果状态", en="Where a deliverable stands"
    ),
    ("POST", "/surveys/batches/{id}/judgements"): Text(
        zh="重新检查并入库", en="Judge and load the last book again"
    ),
    ("GET", "/case"): Text(zh="整改责任单位页面", en="A duty holder's page for one hazard"),
    ("OPTIONS", "/uploads"): Text(zh="续传协议的能力", en="What uploads can do"),
    ("POST", "/uploads"): Text(zh="开始上传", en="Begin an upload"),
    ("OPTIONS", "/uploads/{id}"): Text(zh="续传协议的能力", en="What uploads can do"),
    ("HEAD", "/uploads/{id}"): Text(zh="已上传到何处", en="How far an upload is"),
    ("PATCH", "/uploads/{id}"): Text(zh="续传下一段", en="Its next bytes"),
    ("DELETE", "/uploads/{id}"): Text(zh="放弃上传", en="End an upload"),
    ("POST", "/uploads/{id}"): Text(
        zh="代替被代理拦截的方法", en="Another method, where a proxy lets none through"
    ),
    ("GET", "/evidence/{sha256}"): Text(zh="证据原件或图片", en="Evidence, or a picture of it"),
    ("GET", "/jobs/{id}"): Text(zh="任务进度", en="How far a job is"),
    ("DELETE", "/jobs/{id}"): Text(zh="取消任务", en="Cancel a job"),
    ("GET", "/enrol-ca"): Text(zh="安装本站证书的说明", en="How to trust this server"),
    ("GET", "/enrol-ca/{file}"): Text(zh="本站证书", en="This server's certificate"),
    ("GET", "/health"): Text(zh="运行状况", en="Health"),
    ("GET", "/metrics"): Text(zh="监控指标", en="Prometheus metrics"),
}
