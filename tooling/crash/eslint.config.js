export { default } from '@iron/eslint-config'
