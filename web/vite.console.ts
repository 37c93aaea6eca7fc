import { defineConfig } from 'vite'
import { screen } from './vite.base'

export default defineConfig(screen('console', '/console/'))
