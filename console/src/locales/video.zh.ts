/** Words of live pictures, playback, recordings and the devices behind them. */
export const videoZh = {
  camera: '摄像机', cameras: '摄像机', tree: '资源', filter: '摄像机或地点', tree_none: '没有符合的摄像机', tree_empty: '还没有摄像机', tree_empty_why: '您的范围内没有登记摄像机。', tree_empty_do: '到“设备”登记 GB/T 28181 摄像机或录像机,注册后自动列出通道。',
  count: '{online}/{total}', count_title: '在线 {online} 路,共 {total} 路', tree_fold: '收起资源树', tree_unfold: '展开资源树', play: '双击播放,或拖到窗格', play_all: '依次播放此处全部', unplaced: '未归地点',
  state: { online: '在线', offline: '离线', fault: '故障', unknown: '未知' }, recording: '正在录像', not_recording: '未录像',
  pane: { empty: '空窗格', empty_do: '从左侧拖入摄像机,或双击', number: '窗格 {n}', fps: '{n} 帧/秒', latency: '延迟 {n} 毫秒', main: '主码流', sub: '子码流', auto: '自动', close: '关闭画面(Delete)', full: '全屏(F)', snapshot: '抓图(S)', sound: '声音', sound_off: '静音', no_sound: '此摄像机没有声音', back: '回看 30 秒(←)', live: '回到实时(L)', behind: '回看 −{n} 秒', grade: '码流', zoom: '放大 {n} 倍', ptz: '云台(C)', playback: '打开回放', retry: '重试', try_sub: '改用子码流', more: '更多' },
  asking: '正在请求画面', waiting: '等待关键帧', resting: '页面在后台,已暂停', frozen: '画面停滞 {n} 秒', frozen_since: '最后画面 {time}', failed: '没有画面', again: '正在自动重试', snapped: '抓图已保存', no_frame: '还没有画面,无法抓图', fell: '浏览器不能解码 {codec},已改用子码流',
  reason: {
    offline: '摄像机离线', device_offline: '所属设备离线', not_registered: '设备未注册到平台', wrong_password: '设备注册密码不正确', no_answer: '设备未应答点播请求', no_rtp: '设备已应答,但没有收到码流:请检查媒体地址、端口和防火墙', busy: '通道忙:设备已达到同时播放上限', not_found: '设备上没有此通道', refused: '设备拒绝了请求', media_refused: '设备不支持请求的码流格式', device_error: '设备内部错误', stalled: '码流中断,正在重新请求', ended_by_device: '设备结束了码流', no_video: '码流中没有可识别的视频', no_ports: '媒体端口已用尽', no_recording: '该时段没有录像', signalling_away: '信令服务暂不可用,稍后自动重试', media_away: '媒体服务暂不可用,稍后自动重试', forbidden: '没有权限观看此画面', ticket_over: '播放凭证已过期',
    unreachable: '连不上服务器,正在自动重试', cannot_play: '此浏览器不能解码 {codec}。请在摄像机上把子码流设为 H.264,或改用支持 H.265 硬件解码的浏览器', decoder: '浏览器解码出错', locked: '云台由他人控制', end: '播放结束', away: '数据库暂不可用,稍后自动重试', no_session: '登录已失效',
  },
  wall: { shape: '{n} 画面', shapes: '分屏', layouts: '布局', save: '保存布局', save_as: '另存为新布局', name: '布局名称', shared: '与同事共享', own: '我的布局', shared_list: '共享布局', none: '还没有保存布局', saved: '布局已保存', removed: '布局已删除', remove: '删除布局“{name}”', clear: '关闭全部画面', side: '控制栏', budget: '{n} 路画面', full: '全屏墙', keep_old: '覆盖“{name}”' },
  tour: { title: '轮巡', start: '轮巡此处', stop: '停止轮巡', every: '每 {n} 秒', running: '轮巡 {name} · {at}/{of}', none: '请先在资源树里选一个地点', pause: '暂停', resume: '继续' },
  ptz: { title: '云台', none: '此摄像机没有云台', pick: '先选一个窗格', up: '上', down: '下', left: '左', right: '右', stop: '停', near: '拉近', far: '拉远', focus_near: '近焦', focus_far: '远焦', iris_open: '光圈开', iris_close: '光圈关', speed: '速度', presets: '预置位', preset: '预置位 {n}', preset_none: '设备没有报预置位', call: '转到', set: '设为当前位置', set_number: '编号', set_name: '名称', set_done: '预置位 {n} 已保存', wiper: '雨刷', home: '守望位', key_frame: '请求关键帧', sent: '已发送', held: '云台由 {name} 控制,至 {until}', held_level: '({level})', free: '云台空闲', mine: '由您控制,至 {until}', hint: '在画面上拖框放大,反向拖框缩小;方向键转动,Shift 加速,+ − 变焦,P+数字转到预置位', denied: '没有云台控制权限' },
  watermark: '{name} {time}',
  alarms: '未关闭报警', alarms_none: '没有未关闭的报警', info: '画面信息', codec: '编码', size: '分辨率', no_live: '没有观看实时画面的权限',
  keys: { title: '视频', shapes: '分屏', full: '全屏', snapshot: '抓图', back: '回看 / 前后 10 秒', live: '回到实时', ptz: '云台模式', preset: '预置位', close: '关闭画面', jkl: '倒放 停 快放', frame: '上一帧 / 下一帧', cut: '入点 出点 导出' },
}
