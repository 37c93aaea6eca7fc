// The build for strict policies (no blob worker) has the types of the usual one.
declare module 'maplibre-gl/dist/maplibre-gl-csp' {
  import * as maplibre from 'maplibre-gl'
  export default maplibre
}
