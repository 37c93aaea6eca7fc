// The pages of the rail in order: where, the line icon (20 x 20), the key after `g`, the right. One list for rail and keys.
import type { Right } from '../stores/officer'

export interface RailPage {
  name: 'map' | 'alerts' | 'machines' | 'sessions' | 'workers' | 'plates' | 'deliveries' | 'endpoints' | 'quarantine'
    | 'enterprises' | 'certificates' | 'imports' | 'divisions'
    | 'officers' | 'departments' | 'accessKeys' | 'audit'
  path: string
  key: string
  right: Right
  icon: string
}

export const PAGES: RailPage[] = [
  { name: 'map', path: '/', key: 'm', right: 'machines:read', icon: 'M2.5 5.500 7.500 3.500l5 2 5-2v11l-5 2-5-2-5 2zM7.500 3.500v11M12.500 5.500v11' },
  { name: 'alerts', path: '/alerts', key: 'a', right: 'alerts:read', icon: 'M3 15.500h14M4.800 15.500V9a5.200 5.200 0 0 1 10.400 0v6.500M8.300 18.200h3.400M10 3.800V2' },
  { name: 'machines', path: '/machines', key: 'c', right: 'machines:read', icon: 'M3 8.500h14v7.500H3zM5 8.500 6.200 5h7.600L15 8.500M6 12.200h2M11 11h3.500v2.500H11zM5 16v1.500M15 16v1.500' },
  { name: 'sessions', path: '/sessions', key: 's', right: 'sessions:read', icon: 'M11.600 2.500 4.500 11.500h4.600l-.9 6L15.500 8.500h-4.800z' },
  { name: 'workers', path: '/workers', key: 'w', right: 'workers:read', icon: 'M7.500 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 16.500c0-3 2.400-5 5.500-5s5.500 2 5.500 5M13 3.800a3 3 0 0 1 0 5.400M14.800 11.900c2 .7 3.200 2.400 3.200 4.600' },
  { name: 'certificates', path: '/certificates', key: 'x', right: 'workers:read', icon: 'M3 3.500h14v9.500H3zM6 6.500h8M6 9.500h4M12.500 10.500v7l1.700-1.500 1.800 1.500v-7' },
  { name: 'enterprises', path: '/enterprises', key: 'u', right: 'enterprises:read', icon: 'M3 17V5.500l7-2.500v14M10 8h7v9M2 17h16M5.500 8h2M5.500 11h2M5.500 14h2M12.500 11h2M12.500 14h2' },
  { name: 'imports', path: '/imports', key: 'i', right: 'registers:write', icon: 'M3.500 3h13v5.500M3.500 3v14H9M3.500 7.500h13M8 7.500V17M14 11v6M11.300 14.300 14 17l2.700-2.700' },
  { name: 'divisions', path: '/divisions', key: 'v', right: 'machines:read', icon: 'M7 2.500h6v4H7zM2 13.500h6v4H2zM12 13.500h6v4h-6zM10 6.500V10M5 13.500V10h10v3.500' },
  { name: 'plates', path: '/plates', key: 'p', right: 'plates:print', icon: 'M3 3h5.500v5.500H3zM11.500 3H17v5.500h-5.500zM3 11.500h5.500V17H3zM11.500 11.500h2.200v2.200M17 11.500v2.200h-1.500M11.500 17h2.200M15.800 17H17' },
  { name: 'deliveries', path: '/deliveries', key: 'd', right: 'deliveries:read', icon: 'M2.500 9.500 17.500 3 13 17.500l-3.600-5.400zM9.400 12.100 17.500 3' },
  { name: 'endpoints', path: '/endpoints', key: 'e', right: 'deliveries:read', icon: 'M3 4h14v5H3zM3 11.500h14v5H3zM6 6.500h1.500M6 14h1.500M11 6.500h3.500M11 14h3.500' },
  { name: 'quarantine', path: '/quarantine', key: 'q', right: 'quarantine:read', icon: 'M2.500 6.500 10 3l7.500 3.500v7L10 17l-7.500-3.500zM10 8v3.800M10 13.600v1.400' },
  { name: 'officers', path: '/officers', key: 'o', right: 'officers:read', icon: 'M8 9.500a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400zM2 17c0-3.200 2.600-5.400 6-5.400 1 0 1.900.2 2.700.5M14.500 10.500l3 1.200v2.300c0 1.900-1.200 3.200-3 4-1.800-.8-3-2.100-3-4v-2.300z' },
  { name: 'departments', path: '/departments', key: 'b', right: 'departments:write', icon: 'M2.500 17.500h15M4 17.500v-9M16 17.500v-9M8 17.500v-6M12 17.500v-6M2.500 8.500 10 3l7.500 5.500z' },
  { name: 'accessKeys', path: '/keys', key: 'k', right: 'keys:write', icon: 'M7 13.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM10.500 10h7v3M14.500 10v2.500' },
  { name: 'audit', path: '/audit', key: 't', right: 'audit:read', icon: 'M5 2.500h7l3.500 3.500v11.500H5zM12 2.500V6h3.500M7.500 10h5.500M7.500 13h5.500' },
]
