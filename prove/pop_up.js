/* Notes when the picture of each pop-up was painted, by its blob's id: milliseconds since 1970, read just after the frame. */
(() => {
  const shown = (window.shown = {}), known = new WeakSet()
  function framed(picture) {
    const id = new URL(picture.src).pathname.split('/').pop(), after = new MessageChannel()
    after.port1.onmessage = () => { shown[id] ??= performance.timeOrigin + performance.now() }
    requestAnimationFrame(() => after.port2.postMessage(0))
  }
  function look() {
    for (const picture of document.querySelectorAll('.alarm .main img')) {
      if (known.has(picture)) continue
      known.add(picture)
      if (picture.complete && picture.naturalWidth) framed(picture)
      else picture.addEventListener('load', () => framed(picture))
    }
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true })
})()
