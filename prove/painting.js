/* Notes when each row (data-alarm, data-row) was pushed, first painted and when it left: milliseconds since 1970, painting read just after the frame. */
(() => {
  const KINDS = ['alarm', 'row'], SELECTOR = KINDS.map((each) => `[data-${each}]`).join(',')
  const painted = (window.painted = {}), gone = (window.gone = {}), pushed = (window.pushed = {})
  const now = () => performance.timeOrigin + performance.now()
  const Plain = window.WebSocket
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given)
      this.addEventListener('message', ({ data }) => {
        const at = now(), found = typeof data === 'string' ? JSON.parse(data) : {}
        for (const each of found.changes ?? []) pushed[each.id] ??= at
      })
    }
  }
  let fresh = []
  function framed() {
    const ids = fresh, after = new MessageChannel()
    fresh = []
    after.port1.onmessage = () => { for (const id of ids) painted[id] ??= now() }
    after.port2.postMessage(0)
  }
  function rows(node) { return node.nodeType === 1 ? [...(node.matches(SELECTOR) ? [node] : []), ...node.querySelectorAll(SELECTOR)] : [] }
  const id = (row) => row.dataset.alarm ?? row.dataset.row
  function appeared(row) {
    if (!fresh.length) requestAnimationFrame(framed)
    fresh.push(id(row))
    delete gone[id(row)]
  }
  new MutationObserver((changes) => {
    for (const each of changes) {
      if (each.type === 'attributes') { appeared(each.target); continue }
      for (const node of each.removedNodes) for (const row of rows(node)) gone[id(row)] = now()
      for (const node of each.addedNodes) rows(node).forEach(appeared)
    }
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: KINDS.map((each) => `data-${each}`) })
})()
