// The rear camera as square pictures, about ten a second, and its torch. Refuses to say "error": why there is no picture is one
// of four plain causes.

export type CameraFault = 'insecure' | 'denied' | 'none' | 'busy'

export interface Camera {
  stream: MediaStream
  torch: ((on: boolean) => Promise<void>) | null
  close(): void
}

const SIDE = 640

export async function openCamera(): Promise<Camera | CameraFault> {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) return 'insecure'
  try {
    const video = { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } }
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false })
    return { stream, torch: torchOf(stream), close: () => stream.getTracks().forEach((track) => track.stop()) }
  } catch (error) {
    return faultOf(error)
  }
}

function faultOf(error: unknown): CameraFault {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied'
  return name === 'NotReadableError' || name === 'AbortError' ? 'busy' : 'none'
}

function torchOf(stream: MediaStream): Camera['torch'] {
  const track = stream.getVideoTracks()[0]
  const can = track?.getCapabilities?.() as { torch?: boolean } | undefined
  if (!track || !can?.torch) return null
  return (on) => track.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] })
}

const canvas = document.createElement('canvas')

/** The square in the middle of what the camera sees now; null before the first picture. */
export function middleOf(video: HTMLVideoElement): ImageData | null {
  const side = Math.min(video.videoWidth, video.videoHeight)
  if (side === 0) return null
  const left = (video.videoWidth - side) / 2
  const top = (video.videoHeight - side) / 2
  return drawn(video, [left, top, side, side], Math.min(side, SIDE), Math.min(side, SIDE))
}

/** A photo, made small enough to be read in a moment. */
export async function pictureOf(file: Blob, longest = 1600): Promise<ImageData | null> {
  try {
    const photo = await createImageBitmap(file)
    const scale = Math.min(1, longest / Math.max(photo.width, photo.height))
    const size = [Math.round(photo.width * scale), Math.round(photo.height * scale)] as const
    return drawn(photo, [0, 0, photo.width, photo.height], ...size)
  } catch {
    return null
  }
}

type Box = readonly [number, number, number, number]

function drawn(source: CanvasImageSource, from: Box, width: number, height: number): ImageData | null {
  canvas.width = width
  canvas.height = height
  const brush = canvas.getContext('2d', { willReadFrequently: true })
  brush?.drawImage(source, ...from, 0, 0, width, height)
  return brush?.getImageData(0, 0, width, height) ?? null
}
