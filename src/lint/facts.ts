import type { IgnorePatterns } from '../dockerfile/ignore.ts';

/** What is known beyond the text; what is missing is not guessed. */
export interface LintFacts {
  /** `--build-arg`: name → value. */
  readonly buildArgs?: ReadonlyMap<string, string> | undefined;
  /** The ARGs that exist without being declared (TARGETPLATFORM …); those of a linux/amd64 without them. */
  readonly automatic?: ReadonlyMap<string, string> | undefined;
  /** Indexes of the stages that are built; all without it. */
  readonly built?: ReadonlySet<number> | undefined;
  /** By index of the stage, what it starts from if that is neither scratch nor a stage. Absent: not known. */
  readonly bases?: ReadonlyMap<number, BaseFacts> | undefined;
  /** The rules of the .dockerignore; asked for once at most, where a COPY reads the context. */
  readonly ignore?: (() => IgnorePatterns | undefined) | undefined;
}

/** What is known of an image that a stage starts from. */
export interface BaseFacts {
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** The image says which shell the shell form uses. */
  readonly hasShell: boolean;
  /** `os/arch` that it is for and that was wanted, where they differ. */
  readonly mismatch?: { readonly got: string; readonly wanted: string } | undefined;
}
