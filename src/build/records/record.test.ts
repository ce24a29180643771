import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BuildRecord, formatRecord, parseRecord } from './record.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}` as const;
const RECORD: BuildRecord = {
  id: 'abcdefghijk1',
  names: ['docker.io/library/app:latest'],
  context: '/src',
  dockerfile: { path: '/src/Dockerfile', digest: DIGEST },
  target: undefined,
  platforms: ['linux/amd64'],
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_001_000,
  outcome: {
    kind: 'failed',
    code: 'BUILD_RUN_FAILED',
    message: 'no',
    hint: undefined,
    line: 3,
    left: DIGEST,
  },
  warnings: ['mind the gap'],
  steps: [
    {
      id: 's1',
      stage: { name: '0', index: 0, step: 1, steps: 2 },
      text: 'RUN false',
      line: 3,
      implied: false,
      outcome: 'failed',
      ms: 12,
      layerBytes: undefined,
      imageId: undefined,
      why: ['a changed'],
      printed: 5,
    },
  ],
};

describe('the text of a record', () => {
  it('gives the record back', () => {
    expect(parseRecord(formatRecord(RECORD))).toEqual(RECORD);
    const { endedAt, outcome, ...running } = RECORD;
    expect(parseRecord(JSON.stringify({ version: 1, ...running }))).toMatchObject({ outcome: undefined });
  });

  it.each([
    ['nothing', ''],
    ['half of one', formatRecord(RECORD).slice(0, 200)],
    ['another version', formatRecord(RECORD).replace('"version":1', '"version":2')],
    ['an id that is a path', formatRecord({ ...RECORD, id: '../../../etc' })],
    ['a step that is a path', formatRecord(RECORD).replace('"s1"', '"../s1"')],
    ['an outcome that there is not', formatRecord(RECORD).replace('"failed","ms"', '"flown","ms"')],
    ['a date that no calendar has', formatRecord({ ...RECORD, startedAt: 1e300 })],
    ['steps that are no list', formatRecord(RECORD).replace(/"steps":\[.*\]/, '"steps":{"length":9}')],
    ['a digest that is none', formatRecord(RECORD).replaceAll(DIGEST, 'sha256:x')],
  ])('is none with %s', (_, text) => {
    expect(parseRecord(text)).toBeUndefined();
  });

  it('is never an error, whatever anybody put there', () => {
    const fields = Object.keys(RECORD);
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.jsonValue(), (field, value) => {
        const read = parseRecord(JSON.stringify({ version: 1, ...RECORD, [field]: value }));
        expect(read === undefined || typeof read.id === 'string').toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
