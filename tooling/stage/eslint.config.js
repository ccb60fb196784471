import config from '@iron/eslint-config'

/** What runs beside the packages may call the network. */
export default [...config, { rules: { 'no-restricted-globals': 'off' } }]
