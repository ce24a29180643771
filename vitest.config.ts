import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

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
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // What is waited for comes when the machine has time for it.
    expect: { poll: { timeout: 120_000, interval: 10 } },
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
