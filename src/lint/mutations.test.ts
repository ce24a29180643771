import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutatedDockerfiles } from '../../test/support/mutated-dockerfiles.ts';
import type { Instruction } from '../dockerfile/ast.ts';
import { parseIgnoreFile } from '../dockerfile/ignore.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { applyEdits } from './apply-edits.ts';
import { checkJson, formatCheck } from './format-check.ts';
import { lintDockerfile } from './lint-dockerfile.ts';

const ignore = parseIgnoreFile('*.txt\nsrc\n');
const everything = new Map([['BUILDKIT_DOCKERFILE_CHECK', 'experimental=all']]);

describe('a Dockerfile with mistakes in it', () => {
  // The time limit is the bound: one that takes longer than a few milliseconds fails the whole.
  it('is linted without a fault, its findings lie in the text and can be printed, 1,000 times', {
    timeout: 60_000,
  }, () => {
    fc.assert(
      fc.property(mutatedDockerfiles, (text) => {
        const { findings } = lintDockerfile(parseDockerfile(text), {
          buildArgs: everything,
          ignore: () => ignore,
        });
        for (const { range, at } of findings) {
          expect(range.start.offset).toBeLessThanOrEqual(range.end.offset);
          expect(at.start.offset).toBeGreaterThanOrEqual(0);
          expect(Math.max(range.end.offset, at.end.offset)).toBeLessThanOrEqual(text.length);
        }
        const file = { name: 'Dockerfile', text };
        expect(formatCheck(findings, file).match(/^WARNING: /gm)?.length ?? 0).toBe(findings.length);
        expect(checkJson(findings, file, undefined)).toHaveProperty('warnings.length', findings.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('still builds when it is mended, with the same instructions and fewer findings, 500 times', {
    timeout: 60_000,
  }, () => {
    fc.assert(
      fc.property(mutatedDockerfiles, (text) => {
        const file = parseDockerfile(text);
        if (file.problems.some(({ severity }) => severity === 'error')) return;
        const { findings } = lintDockerfile(file);
        const mended = parseDockerfile(
          applyEdits(
            text,
            findings.flatMap(({ fix }) => fix ?? []),
          ),
        );
        expect(mended.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
        const kinds = (instructions: readonly Instruction[]): string[] =>
          instructions.map(({ kind }) => (kind === 'MAINTAINER' ? 'LABEL' : kind));
        expect(kinds(mended.instructions)).toEqual(kinds(file.instructions));
        const left = lintDockerfile(mended).findings.filter(({ fix }) => fix !== undefined);
        expect(left.length).toBeLessThanOrEqual(findings.filter(({ fix }) => fix !== undefined).length);
      }),
      { numRuns: 500 },
    );
  });
});
