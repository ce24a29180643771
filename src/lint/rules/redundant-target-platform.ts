import { checkUrl, type Rule } from '../rule.ts';

/** No `--platform=$TARGETPLATFORM`. */
export const redundantTargetPlatform: Rule = {
  id: 'RedundantTargetPlatform',
  url: checkUrl('RedundantTargetPlatform'),
  severity: 'warning',
  summary: 'no FROM asks for $TARGETPLATFORM, which it has anyway',
  why: 'A base is looked up for the platform of the build. `--platform` is for the other cases, such as `--platform=$BUILDPLATFORM` for a stage that cross-compiles.',
  needs: 'file',
  examples: {
    bad: 'FROM --platform=$TARGETPLATFORM alpine AS build\n',
    good: 'FROM alpine AS build\n',
  },
  *check(subject) {
    for (const { from, platform } of subject.fromLines()) {
      if (platform === undefined || platform.unset.size > 0) continue;
      if (platform.found.size !== 1 || !platform.found.has('TARGETPLATFORM')) continue;
      // With something around the variable it says more than the default does.
      if (!/^"?\$(?:TARGETPLATFORM|\{TARGETPLATFORM\})"?$/.test(platform.word.text)) continue;
      const at = from.flags.findIndex(({ name }) => name.text === 'platform');
      const flag = from.flags[at]!;
      const next = from.flags[at + 1]?.range.start ?? from.image.range.start;
      yield {
        message: `Setting platform to predefined ${platform.word.text} in FROM is redundant as this is the default behavior`,
        on: from,
        at: flag.range,
        fix: [{ range: { start: flag.range.start, end: next }, text: '' }],
      };
    }
  },
};
