/** The picture on the glass as a file, with who took it and when written into it. */
export async function snap(video: HTMLVideoElement, mark: string): Promise<Blob | null> {
  if (!video.videoWidth) return null
  const canvas = document.createElement('canvas')
  canvas.width = video.videoWidth
  canvas.height = video.videoHeight
  const pen = canvas.getContext('2d')
  if (!pen) return null
  pen.drawImage(video, 0, 0)
  const size = Math.max(14, Math.round(canvas.height / 45))
  pen.font = `${size}px sans-serif`
  const width = pen.measureText(mark).width
  pen.fillStyle = 'rgb(0 0 0 / 60%)'
  pen.fillRect(0, canvas.height - size * 1.8, width + size, size * 1.8)
  pen.fillStyle = '#fff'
  pen.fillText(mark, size / 2, canvas.height - size * 0.6)
  return new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.92))
}
