"""What Contact ID and SIA codes mean, in English and Chinese. Unknown codes have no entry; they are shown as numbers.

Source: SIA DC-05 (Contact ID), SIA DC-03 (SIA codes).
"""

from typing import NamedTuple


class Meaning(NamedTuple):
    """One code in both languages."""

    en: str
    zh: str


def _table(text: str) -> dict[str, Meaning]:
    rows = (line.split(",") for line in text.strip().splitlines())
    return {code.strip(): Meaning(en.strip(), zh.strip()) for code, en, zh in rows}


CONTACT_ID = _table("""
100, medical alarm, 医疗求助
101, personal emergency, 个人紧急求助
102, failed to report in, 未按时报到
110, fire alarm, 火警
111, smoke, 烟雾报警
112, combustion, 燃烧报警
113, water flow, 水流报警
114, heat, 高温火警
115, manual call point, 手动火警
116, duct detector, 风管报警
117, flame, 火焰报警
118, near fire alarm, 火灾预警
120, panic, 紧急报警
121, duress, 胁迫报警
122, silent panic, 无声紧急报警
123, audible panic, 有声紧急报警
124, duress: access granted, 胁迫进入
125, duress: egress granted, 胁迫离开
129, hold-up verified, 已核实的抢劫报警
130, burglary, 入侵报警
131, perimeter, 周界报警
132, interior, 内部防区报警
133, 24-hour zone, 24小时防区报警
134, entry/exit, 出入口防区报警
135, day/night zone, 日夜防区报警
136, outdoor, 室外防区报警
137, tamper, 防拆报警
138, near alarm, 入侵预警
139, intrusion verified, 已核实的入侵报警
140, general alarm, 一般报警
141, loop open, 回路开路
142, loop short, 回路短路
143, expander failure, 扩展模块故障
144, sensor tamper, 探测器防拆
145, expander tamper, 扩展模块防拆
146, silent burglary, 无声入侵报警
147, sensor supervision lost, 探测器失联
150, 24-hour non-burglary, 24小时非盗警
151, gas detected, 可燃气体泄漏
152, refrigeration, 制冷异常
153, loss of heat, 供热中断
154, water leak, 漏水报警
155, foil break, 玻璃箔断裂
158, high temperature, 温度过高
159, low temperature, 温度过低
162, carbon monoxide, 一氧化碳报警
200, fire supervisory, 消防监管
201, low water pressure, 水压过低
203, gate valve, 闸阀动作
204, low water level, 水位过低
205, pump running, 水泵运行
206, pump failure, 水泵故障
300, system trouble, 系统故障
301, mains lost, 交流断电
302, battery low, 主机电池欠压
305, system reset, 系统复位
306, programming changed, 编程被更改
308, system shutdown, 系统关机
309, battery test failed, 电池测试失败
311, battery missing, 电池缺失
321, siren 1 trouble, 警号1故障
330, peripheral trouble, 外设故障
333, expander failure, 扩展模块故障
344, radio jamming, 无线干扰
350, communication trouble, 通信故障
351, line 1 fault, 线路1故障
354, failed to communicate, 通信失败
355, radio supervision lost, 无线监管丢失
373, fire loop trouble, 火警回路故障
374, exit error, 退出错误
380, sensor trouble, 探测器故障
381, wireless supervision lost, 无线探测器失联
383, sensor tamper, 探测器防拆
384, wireless battery low, 无线探测器欠压
400, open/close, 撤防/布防
401, open/close by user, 用户撤防/布防
403, automatic open/close, 自动撤防/布防
406, cancelled by user, 用户取消
407, remote arm/disarm, 遥控布撤防
408, quick arm, 快速布防
409, key switch, 钥匙布撤防
421, access denied, 拒绝进入
422, access by user, 用户进入
423, forced door, 强行开门
426, door held open, 门开超时
441, armed stay, 留守布防
454, failed to close, 未按时布防
455, auto-arm failed, 自动布防失败
456, partial arm, 部分布防
461, wrong code, 密码错误
465, panic reset, 紧急报警复位
570, zone bypassed, 防区旁路
571, fire bypass, 火警防区旁路
572, 24-hour zone bypassed, 24小时防区旁路
573, burglary bypass, 盗警防区旁路
574, group bypass, 分组旁路
601, manual test, 手动测试
602, periodic test, 定期测试
607, walk test mode, 步行测试
608, periodic test with trouble, 定期测试（有故障）
616, service request, 请求维修
625, time changed, 时间被更改
627, programming entered, 进入编程
628, programming left, 退出编程
""")

SIA = _table("""
AR, mains restored, 交流恢复
AT, mains lost, 交流断电
BA, burglary, 入侵报警
BB, zone bypassed, 防区旁路
BC, burglary cancelled, 入侵报警取消
BH, burglary restored, 入侵报警恢复
BR, burglary restored, 防区恢复
BT, burglary trouble, 入侵防区故障
BU, zone unbypassed, 旁路解除
BV, burglary verified, 已核实的入侵报警
CA, automatic closing, 自动布防
CF, forced closing, 强制布防
CL, closing by user, 用户布防
CP, automatic closing, 自动布防
DD, access denied, 拒绝进入
DF, door forced, 强行开门
DG, access granted, 用户进入
DK, access lockout, 门禁锁定
DN, door held open, 门开超时
DR, door restored, 门恢复
ER, expander restored, 扩展模块恢复
ET, expander trouble, 扩展模块故障
FA, fire alarm, 火警
FB, fire bypass, 火警防区旁路
FH, fire restored, 火警恢复
FR, fire restored, 火警防区恢复
FS, fire supervisory, 消防监管
FT, fire trouble, 火警防区故障
FJ, fire trouble restored, 火警防区故障恢复
FU, fire unbypassed, 火警旁路解除
FV, fire supervision restored, 消防监管恢复
GA, gas detected, 可燃气体泄漏
GH, gas restored, 气体报警恢复
GR, gas restored, 气体防区恢复
HA, hold-up, 胁迫（抢劫）报警
HH, hold-up restored, 胁迫报警恢复
HR, hold-up restored, 胁迫防区恢复
JA, wrong code, 密码错误
JT, time changed, 时间被更改
KA, heat, 高温火警
KH, heat restored, 高温火警恢复
KR, heat restored, 高温防区恢复
LB, programming entered, 进入编程
LR, line restored, 线路恢复
LT, line fault, 线路故障
LX, programming left, 退出编程
MA, medical alarm, 医疗求助
MH, medical restored, 医疗求助恢复
MR, medical restored, 医疗防区恢复
OA, automatic opening, 自动撤防
OP, opening by user, 用户撤防
OR, disarmed after alarm, 报警后撤防
PA, panic, 紧急报警
PH, panic restored, 紧急报警恢复
PR, panic restored, 紧急防区恢复
QA, emergency, 紧急求助
QH, emergency restored, 紧急求助恢复
QR, emergency restored, 紧急求助防区恢复
RP, periodic test, 定期测试
RR, power up, 系统上电
RX, manual test, 手动测试
TA, tamper, 防拆报警
TE, test ended, 测试结束
TH, tamper restored, 防拆恢复
TR, tamper restored, 防拆恢复
TS, test started, 测试开始
UA, untyped zone alarm, 未分类防区报警
UH, untyped alarm restored, 未分类报警恢复
UR, untyped zone restored, 未分类防区恢复
WA, water leak, 漏水报警
WH, water leak restored, 漏水恢复
WR, water leak restored, 漏水防区恢复
XR, wireless battery restored, 无线电池恢复
XT, wireless battery low, 无线探测器欠压
YC, communication fail, 通信失败
YK, communication restored, 通信恢复
YM, battery missing, 电池缺失
YR, battery restored, 主机电池恢复
YT, battery low, 主机电池欠压
ZA, freeze alarm, 低温报警
ZH, freeze restored, 低温恢复
ZR, freeze restored, 低温防区恢复
""")

MEANINGS = {"contact_id": CONTACT_ID, "sia": SIA}


def meaning(code_space: str, code: str) -> Meaning | None:
    """Return what ``code`` of ``contact_id`` or ``sia`` means; None where we do not know."""
    return MEANINGS[code_space].get(code)
