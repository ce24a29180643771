import type { Rule } from '../rule.ts';

/** The base is for the platform that was asked for. */
export const invalidBaseImagePlatform: Rule = {
  id: 'InvalidBaseImagePlatform',
  severity: 'warning',
  summary: 'the base image is for the platform that the build is for',
  why: 'An image that exists for one platform only is taken as it is, and its programs do not run on another without an emulator. Looked at where the image is in the store.',
  needs: 'file',
  examples: {
    bad: 'FROM arm-only\n',
    good: 'FROM scratch\n',
    base: {
      env: [],
      hasShell: false,
      mismatch: { got: 'linux/arm64', wanted: 'linux/amd64' },
    },
  },
  *check(subject) {
    for (const { stage, name, image } of subject.walked()) {
      if (image?.mismatch === undefined) continue;
      const { got, wanted } = image.mismatch;
      yield {
        message: `Base image ${name} was pulled with platform ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)} for current build`,
        on: stage.from,
        at: stage.from.image.range,
      };
    }
  },
};
