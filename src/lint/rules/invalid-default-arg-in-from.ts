// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
import { isDobosError } from '../../base/errors.ts';
import { parseReference } from '../../oci/reference.ts';
import { readFromLines, readGlobalArgs } from '../from-lines.ts';
import { checkUrl, type Rule } from '../rule.ts';

/** FROM names an image also when nobody gives build arguments. */
export const invalidDefaultArgInFrom: Rule = {
  id: 'InvalidDefaultArgInFrom',
  url: checkUrl('InvalidDefaultArgInFrom'),
  severity: 'error',
  summary: 'the defaults of ARGs make a valid image name in every FROM',
  why: 'A Dockerfile should build without arguments. `FROM busybox:${TAG}` with a TAG that has no default is `FROM busybox:`, which is no name. Give the ARG a default, or the variable: `${TAG:-latest}`.',
  needs: 'file',
  examples: {
    bad: 'ARG TAG\nFROM busybox:${TAG}\n',
    good: 'ARG TAG=latest\nFROM busybox:${TAG}\n',
  },
  *check({ globals, stages, facts, expander }) {
    // A name without variables is what it is.
    if (!stages.some(({ from }) => from.image.text.includes('$'))) return;
    const { values } = readGlobalArgs(globals, facts, expander, new Map());
    for (const { from, image, base } of readFromLines(stages, values, expander)) {
      if (image.failed || base !== undefined || !from.image.text.includes('$')) continue;
      if (isName(image.text)) continue;
      yield {
        message: `Default value for ARG ${from.image.text} results in empty or invalid base image name`,
        on: from,
        at: from.image.range,
      };
    }
  },
};

function isName(text: string): boolean {
  if (/^(?:docker:\/\/|oci:|oci-archive:|docker-archive:)./.test(text)) return true;
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (isDobosError(error)) return false;
    throw error;
  }
}
