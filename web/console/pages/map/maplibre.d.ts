// The build for strict policies (no blob worker) has the types of the usual one.
declare module 'maplibre-gl/dist/maplibre-gl-csp' {
  export * from 'maplibre-gl'
  export { default } from 'maplibre-gl'
}
