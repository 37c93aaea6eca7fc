// Reads a QR code from an image: the browser's own detector where it really knows QR codes, else zxing as WebAssembly from our
// own address. Loaded when the scanner opens, not with the page. Refuses the package's default, a public CDN.
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import wasm from 'zxing-wasm/reader/zxing_reader.wasm?url'

interface Detector {
  detect(image: ImageData): Promise<{ rawValue: string }[]>
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector
  getSupportedFormats?(): Promise<string[]>
}

// From here on the package knows our address; the bytes are fetched with the first use.
prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: false })

let own: Detector | null = null
let asked: Promise<void> | null = null

/** The text of the code in a camera's picture, or null. */
export async function readCode(image: ImageData): Promise<string | null> {
  await (asked ??= findOwn())
  return own ? byDetector(own, image) : byZxing(image)
}

/** The same for one photo, with all patience. */
export async function readPhoto(image: ImageData): Promise<string | null> {
  return (await byZxing(image)) ?? (await readCode(image))
}

async function byZxing(image: ImageData): Promise<string | null> {
  const found = await readBarcodes(image, { formats: ['QRCode'], maxNumberOfSymbols: 1, tryHarder: true })
  return found.find((one) => one.isValid && one.text !== '')?.text ?? null
}

async function byDetector(detector: Detector, image: ImageData): Promise<string | null> {
  try {
    return (await detector.detect(image))[0]?.rawValue ?? null
  } catch {
    own = null // some browsers promise the service and do not have it
    return byZxing(image)
  }
}

async function findOwn(): Promise<void> {
  const known = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector
  try {
    const formats = (await known?.getSupportedFormats?.()) ?? []
    own = known && formats.includes('qr_code') ? new known({ formats: ['qr_code'] }) : null
  } catch {
    own = null
  }
}
