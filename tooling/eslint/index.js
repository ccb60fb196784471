import tseslint from 'typescript-eslint'

/**
 * One member is checked as the project it is. All members at once are one project: what they share is read and checked once,
 * not once for each.
 */
const parserOptions = process.env.IRON_LINT_PROJECT
  ? { project: [process.env.IRON_LINT_PROJECT] }
  : { projectService: true }

/**
 * One configuration for every member: the strict, type-checked rules of typescript-eslint. What is switched off is
 * switched off for a reason that stands beside it.
 */
export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', '*.config.js', '*.config.ts'] },
  // Programs against a client that a test generates; the test compiles them.
  { ignores: ['test/openapi/client/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions },
    rules: {
      // Numbers in messages are ids, counts and sizes; requiring String() around each says nothing.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // A service method keeps its asynchronous signature when one engine happens to answer at once.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      'no-restricted-globals': ['error', { name: 'fetch', message: 'Packages make no network calls.' }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['test/**'],
    rules: {
      'no-restricted-globals': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.property.name="each"] > CallExpression[callee.property.name="filter"] Literal[value="postgres"]',
          message: 'A machine without PostgreSQL leaves nothing, and an empty table fails: use describe.skip.',
        },
      ],
      'no-console': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Tests look at any part of a parsed answer; what they expect of it is what they are about.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  { files: ['**/*.js', '**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
)
