import { isDobosError } from '../../base/errors.ts';
import { parsePlatform } from '../../oci/platform.ts';
import type { Platform } from '../../oci/types.ts';
import { checkUrl, type Rule } from '../rule.ts';

/** FROM --platform is a variable, unless the stage's name says why not. */
export const fromPlatformFlagConstDisallowed: Rule = {
  id: 'FromPlatformFlagConstDisallowed',
  url: checkUrl('FromPlatformFlagConstDisallowed'),
  severity: 'warning',
  summary: 'FROM --platform is a variable',
  why: 'With a constant the image is for that platform wherever it is built, and a build for several makes the same image several times. Where a stage is meant for one platform, call it so (`AS build-amd64`), and this rule is silent.',
  needs: 'file',
  examples: {
    bad: 'FROM --platform=linux/amd64 alpine AS base\n',
    good: 'FROM --platform=$BUILDPLATFORM alpine AS base\nFROM --platform=linux/amd64 alpine AS build-amd64\n',
  },
  *check(subject) {
    for (const { stage, from, platform } of subject.fromLines()) {
      if (platform === undefined || platform.found.size > 0 || platform.unset.size > 0) continue;
      const wanted = readPlatform(platform.text);
      if (wanted === undefined) continue;
      const name = stage.name ?? '';
      if (name.includes(wanted.os) || name.includes(wanted.architecture)) continue;
      yield {
        message: `FROM --platform flag should not use constant value ${JSON.stringify(platform.text)}`,
        on: from,
        at: from.flags.find((flag) => flag.name.text === 'platform')?.range,
      };
    }
  },
};

function readPlatform(text: string): Platform | undefined {
  try {
    return parsePlatform(text, { os: 'linux', architecture: 'amd64' });
  } catch (error) {
    if (isDobosError(error)) return undefined;
    throw error;
  }
}
