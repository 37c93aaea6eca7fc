// A division's name in Latin letters: pinyin without tones and without the word that tells its level.
import { pinyin } from 'pinyin-pro'

const LEVELS = /(特别行政区|自治区|自治州|自治县|地区|街道|省|市|县|区|盟|旗|镇|乡)$/u

export function latin(name) {
  const core = name.length > 2 ? name.replace(LEVELS, '') : name
  const letters = pinyin(core, { toneType: 'none', type: 'array' }).join('').replace(/[^a-z]/giu, '')
  return letters ? letters[0].toUpperCase() + letters.slice(1) : name
}
