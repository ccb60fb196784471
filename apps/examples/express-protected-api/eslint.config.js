import config from '@iron/eslint-config'

/** A program of its own: it talks to the network and to the terminal. */
export default [...config, { rules: { 'no-restricted-globals': 'off', 'no-console': 'off' } }]
