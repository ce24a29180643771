import type { CheckedFile } from '../lint/format-check.ts';
import type { Finding } from '../lint/rule.ts';
import type { Digest } from '../oci/types.ts';
import type { BuildGraph, StepId } from './graph.ts';

/** What happens during a build, as it happens. */
export type BuildEvent =
  | { readonly kind: 'planned'; readonly graph: BuildGraph }
  | { readonly kind: 'warning'; readonly message: string; readonly line?: number | undefined }
  /** What the build checks found, once, before anything runs; not said when they found nothing. */
  | { readonly kind: 'findings'; readonly findings: readonly Finding[]; readonly file: CheckedFile }
  /** What a COPY selected; `ignored` counts files and folders kept out by the .dockerignore, a folder that was not entered once. */
  | {
      readonly kind: 'context';
      readonly step: StepId;
      readonly files: number;
      readonly bytes: number;
      readonly ignored: number;
    }
  /** The step is not in the cache; `why` compares with the last build of the same Dockerfile, a sentence each. */
  | { readonly kind: 'started'; readonly step: StepId; readonly why: readonly string[] }
  | {
      readonly kind: 'output';
      readonly step: StepId;
      readonly stream: 'stdout' | 'stderr';
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'cached'; readonly step: StepId; readonly imageId: Digest }
  | {
      readonly kind: 'done';
      readonly step: StepId;
      readonly imageId: Digest;
      readonly ms: number;
      /** Of the uncompressed tar; undefined when the step makes no layer. */
      readonly layerBytes: number | undefined;
    }
  | { readonly kind: 'failed'; readonly step: StepId; readonly ms: number; readonly error: unknown };

/** A step after the build. */
export interface StepReport {
  readonly step: StepId;
  /** Of the image as it is after the step. */
  readonly imageId: Digest;
  readonly cached: boolean;
  /** What the step took now, 0 when cached. */
  readonly ms: number;
  /** What it took when it ran. */
  readonly savedMs: number;
  readonly why: readonly string[];
  readonly layerBytes: number | undefined;
  /** Under which its result is kept: ids of roots of kind `step`; none for a step that only takes an image as it is. */
  readonly keptAs: readonly string[];
}
