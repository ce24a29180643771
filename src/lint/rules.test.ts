import { describe, expect, it } from 'vitest';
import { parseIgnoreFile } from '../dockerfile/ignore.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { applyEdits } from './apply-edits.ts';
import type { LintFacts } from './facts.ts';
import { lintDockerfile } from './lint-dockerfile.ts';
import type { Finding, Rule } from './rule.ts';
import { CHECKS } from './rules.ts';

function findingsOf(text: string, { examples }: Rule): readonly Finding[] {
  const { dockerignore, base } = examples;
  const facts: LintFacts = {
    ignore: dockerignore === undefined ? undefined : () => parseIgnoreFile(dockerignore),
    bases: base === undefined ? undefined : new Map([[0, base]]),
  };
  return lintDockerfile(parseDockerfile(text), facts).findings;
}

const ids = (findings: readonly Finding[]): string[] => findings.map(({ rule }) => rule.id);

describe('the examples of the rules', () => {
  it.each(CHECKS.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
    const { bad, good } = rule.examples;
    expect(new Set(ids(findingsOf(bad, rule)))).toEqual(new Set([id]));
    expect(
      ids(findingsOf(good, { ...rule, examples: { ...rule.examples, base: undefined as never } })),
    ).toEqual([]);
  });

  it('are mended by the fixes, where there are any, and mean then what the rule asks for', () => {
    const mended = CHECKS.flatMap((rule) => {
      const fixes = findingsOf(rule.examples.bad, rule).flatMap(({ fix }) => fix ?? []);
      if (fixes.length === 0) return [];
      const text = applyEdits(rule.examples.bad, fixes);
      expect(ids(findingsOf(text, rule)), rule.id).toEqual([]);
      return [rule.id];
    });
    expect(mended).toEqual([
      'StageNameCasing',
      'FromAsCasing',
      'NoEmptyContinuation',
      'ConsistentInstructionCasing',
      'MaintainerDeprecated',
      'LegacyKeyValueFormat',
      'RedundantTargetPlatform',
      'ExposeProtoCasing',
      'ExposeInvalidFormat',
    ]);
  });
});

describe('the list of checks', () => {
  it('has each of docker’s 22 once, with the address of its page', () => {
    expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(22);
    const address = (id: string): string | undefined => CHECKS.find((rule) => rule.id === id)?.url;
    expect(address('JSONArgsRecommended')).toBe(
      'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/',
    );
    expect(address('FromPlatformFlagConstDisallowed')).toBe(
      'https://docs.docker.com/go/dockerfile/rule/from-platform-flag-const-disallowed/',
    );
    expect(address('InvalidBaseImagePlatform')).toBeUndefined();
  });
});
