export { default } from '@iron/jest-config'
