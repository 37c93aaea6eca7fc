// Which browser on which system a sign-in came from, from what the browser says of itself: enough for its owner to know it again.
// Refuses versions and models: they change by themselves.
import { language } from './words'

const BROWSERS: [RegExp, string][] = [
  [/MicroMessenger/i, '微信|WeChat'], [/Edg/i, 'Edge'], [/HuaweiBrowser|ArkWeb/i, '华为浏览器|Huawei Browser'], [/MiuiBrowser/i, '小米浏览器|Mi Browser'],
  [/Firefox|FxiOS/i, 'Firefox'], [/Chrome|Chromium|CriOS/i, 'Chrome'], [/Safari/i, 'Safari'],
]
const SYSTEMS: [RegExp, string][] = [
  [/OpenHarmony|HarmonyOS/i, '鸿蒙|HarmonyOS'], [/iPhone/i, 'iPhone'], [/iPad/i, 'iPad'], [/Android/i, '安卓|Android'], [/Windows/i, 'Windows'], [/Mac OS X|Macintosh/i, 'Mac'], [/Linux|X11/i, 'Linux'],
]

export function browserWords(said: string): string {
  const found = [named(SYSTEMS, said), named(BROWSERS, said)].filter(Boolean).join(' · ')
  return found || (language.value === 'zh' ? '说不清的浏览器' : 'unknown browser')
}

function named(list: [RegExp, string][], said: string): string {
  const [zh = '', en = zh] = (list.find(([pattern]) => pattern.test(said))?.[1] ?? '').split('|')
  return language.value === 'zh' ? zh : en
}
