// Line icons of the controls, 24 x 24, drawn in the colour of the text beside them. Refuses meaning: states are shapes
// (@shared/shapes), and every icon stands beside its word.
export const ICONS = {
  back: 'M15 4 7 12l8 8',
  onward: 'm9 4 8 8-8 8',
  scan: 'M4 9V5.500A1.500 1.500 0 0 1 5.500 4H9M15 4h3.500A1.500 1.500 0 0 1 20 5.500V9M20 15v3.500a1.500 1.500 0 0 1-1.500 1.500H15M9 20H5.500A1.500 1.500 0 0 1 4 18.500V15M3 12h18',
  camera: 'M4 8h3.500l2-3h5l2 3H20v11H4zM12 10.500a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  keys: 'M3 6h18v12H3zM7 10h.01M12 10h.01M17 10h.01M8 14h8',
  torch: 'M8 3h8v4l-2 3v11h-4V10L8 7zM12 13v2',
  phone: 'M5.500 3.500h3.700l1.600 4.600-2.300 1.700a11.500 11.500 0 0 0 5.700 5.700l1.700-2.300 4.600 1.600v3.700a2 2 0 0 1-2 2C10.500 20.500 3.500 13.500 3.500 5.500a2 2 0 0 1 2-2z',
  unlock: 'M5.500 11h13v9h-13zM8.500 11V7.500a3.500 3.500 0 0 1 6.600-1.600',
  lock: 'M5.500 11h13v9h-13zM8.500 11V7.500a3.500 3.500 0 0 1 7 0V11',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.500 20.500a7.500 7.500 0 0 1 15 0',
  flame: 'M12 3c.500 4 5.500 5.500 5.500 11a5.500 5.500 0 0 1-11 0c0-2.500 1.500-4 2.500-5 0 1.500.500 2.500 1.500 3C11 9.500 10.500 6 12 3z',
  again: 'M19 12a7 7 0 1 1-2.200-5.100M17 3v4h-4',
  nolink: 'M4 20v-3M9 20v-7M14 20V9M19 20V5M3 4l18 16',
} as const

export type IconName = keyof typeof ICONS
