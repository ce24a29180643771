import { defineConfig } from 'vitest/config';

const peers = [
  'test/interop/**/*.test.ts',
  'test/hostile/**/*.test.ts',
  '**/*.root.test.ts',
  'test/lessons/**/*.test.ts',
];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts'],
          exclude: ['**/*.root.test.ts'],
        },
      },
      { extends: true, test: { name: 'peers', include: peers, maxWorkers: 2 } },
    ],
  },
});
