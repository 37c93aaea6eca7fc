// Why a message is in quarantine: a name, and a sentence of what it means and what to do. A reason that is new here is shown as it is.
export interface Plain {
  zh: [name: string, what: string]
  en: [name: string, what: string]
}

export const REASONS: Record<string, Plain> = {
  bad_topic: { zh: ['主题不对', '发到了平台不认识的主题。查芯片的配置。'], en: ['Wrong topic', 'Sent to a topic that is not ours. Check the chip\'s configuration.'] },
  oversized: { zh: ['太大', '一条超过 16 KB，芯片不该发这么大。查固件。'], en: ['Too large', 'Above 16 KB, which no chip should send. Check the firmware.'] },
  undecodable: { zh: ['读不出', '不是一条完整的消息，可能传坏了。偶尔一条不要紧，一直有就查通信。'], en: ['Unreadable', 'Not a whole message, perhaps damaged on the way. One is nothing; many: check the link.'] },
  unknown_kind: { zh: ['种类不认识', '平台没有这种消息，可能固件比平台新。'], en: ['Unknown kind', 'The platform knows no such message; the firmware may be newer.'] },
  invalid: { zh: ['内容不合规定', '读得出，但有的值不在规定范围里。查固件或传感器。'], en: ['Invalid', 'Readable, but a value is out of its range. Check firmware or sensor.'] },
  bad_signature: { zh: ['签名不对', '不是这块芯片签的名。可能有人冒充，去现场核对芯片。'], en: ['Wrong signature', 'Not signed by this chip. Somebody may pretend to be it: check the chip on site.'] },
  unknown_chip: { zh: ['没登记的芯片', '平台没登记过这块芯片。登记好以后它会自己补传。'], en: ['Unknown chip', 'No such chip is enrolled. Once it is, it sends again by itself.'] },
  foreign_shard: { zh: ['发错分片', '芯片连到了别的分片。查它的接入配置。'], en: ['Wrong shard', 'The chip speaks in another shard than its own. Check its configuration.'] },
  future: { zh: ['时间在将来', '芯片的钟走到前面去了。等它校时；一直这样就查芯片的钟。'], en: ['In the future', 'The chip\'s clock is ahead. It will be set; if it stays so, check the clock.'] },
  too_old: { zh: ['太旧', '比平台保留的天数还早，不再收。'], en: ['Too old', 'Older than what the platform keeps.'] },
  changed_key: { zh: ['同一条来了两份', '编号一样内容不一样。可能有第二块一样的芯片，看有没有 D05 告警。'], en: ['Two of one number', 'The same number with other content. There may be a second chip: see whether D05 was raised.'] },
  boot_below_floor: { zh: ['启动次数倒退', '芯片说的启动次数比以前小，可能换过芯片或清过内存。平台已让它往上跳。'], en: ['Boot went back', 'The boot number is lower than before: chip exchanged or memory cleared. It was told to raise it.'] },
  poison: { zh: ['平台没处理了', '这条让平台出错，先隔开，别的照收。请报给平台管理员。'], en: ['Not processed', 'This one made the platform fail and was set aside; others go on. Tell the platform\'s administrator.'] },
}
