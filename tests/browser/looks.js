/* What is wrong with the page to an eye: overflow, clipped words, pale words, words without a font. Returns sentences. */
async () => {
  const passing = (each) => each.playState === 'running' && Number.isFinite(each.effect?.getComputedTiming().endTime)
  await Promise.allSettled(document.getAnimations().filter(passing).map((each) => each.finished)) /* what fades in is pale only now */
  const wrong = [], words_of = new Map()
  const parse = (text) => { const n = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0]; return text.startsWith('color(srgb') ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1] }
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1)
  const light = ([r, g, b]) => [r, g, b].map((v) => { const c = v / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 }).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const behind = (element) => {
    const layers = []
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each)
      if (style.backgroundImage !== 'none') return null
      const colour = parse(style.backgroundColor)
      if (colour[3] > 0) layers.push(colour)
      if (colour[3] === 1) break
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1])
  }
  const seen = (element) => { const box = element.getBoundingClientRect(), style = getComputedStyle(element); return box.width > 0 && box.height > 0 && style.visibility === 'visible' && Number(style.opacity) > 0.05 && box.bottom > 0 && box.top < innerHeight }
  if (document.scrollingElement.scrollWidth > innerWidth + 1) wrong.push(`page is ${document.scrollingElement.scrollWidth} px wide in ${innerWidth}`)
  for (const element of document.body.querySelectorAll('*')) {
    const words = [...element.childNodes].filter((each) => each.nodeType === 3).map((each) => each.textContent.trim()).join('')
    if (!words || !seen(element) || element.closest('[disabled], .is-disabled, [aria-hidden="true"], .sr, svg, noscript')) continue
    const style = getComputedStyle(element)
    if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && ['hidden', 'clip'].includes(style.overflowX) && !element.title && !element.closest('[title]')) wrong.push(`clipped: ${words.slice(0, 40)}`)
    const cell = element.closest('td, th')
    if (cell && cell.scrollWidth > cell.clientWidth + 1) wrong.push(`spills out of its cell: ${words.slice(0, 40)}`)
    const back = behind(element)
    if (back) {
      let opacity = 1
      for (let each = element; each; each = each.parentElement) opacity *= Number(getComputedStyle(each).opacity)
      const colour = parse(style.color), front = over([colour[0], colour[1], colour[2], colour[3] * opacity], back)
      const [high, low] = [light(front), light(back)].sort((a, b) => b - a)
      const ratio = (high + 0.05) / (low + 0.05)
      if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${words.slice(0, 40)}`)
    }
    if (style.fontFamily.includes('Noto Sans SC')) words_of.set(words, style.fontFamily)
  }
  for (const [words, family] of words_of)
    for (const letter of new Set(words.replace(/\s/g, '')))
      if (!(await document.fonts.load(`16px ${family}`, letter)).length) wrong.push(`no glyph for ${letter} in: ${words.slice(0, 40)}`)
  return [...new Set(wrong)]
}
