/**
 * A Dockerfile as a graph of functions not yet applied. Pure values: planning makes it, running it makes an image.
 * @module
 */
import type { Problem, Range } from '../dockerfile/ast.ts';
import type { ContainerConfig, Platform } from '../oci/types.ts';
import type { RemoteSource } from './remote/remote-source.ts';

/** `s0`, `s1` … in the order of `BuildGraph.steps`. */
export type StepId = string;

/** Where RUN, COPY and mounts read from. */
export type SourcePlace =
  /** `name`: of a named context, by its key; undefined for the build's own. */
  | { readonly kind: 'context'; readonly name?: string | undefined }
  /** The image that a step of this graph makes (another stage, or the base it starts with). */
  | { readonly kind: 'step'; readonly step: StepId };

/** A mount of a RUN; `target` is absolute and clean. */
export type RunMount =
  | {
      readonly kind: 'bind';
      readonly from: SourcePlace;
      /** Path in `from`, `/` for all of it. */
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
    }
  | {
      readonly kind: 'cache';
      readonly id: string;
      readonly target: string;
      readonly sharing: 'shared' | 'private' | 'locked';
      readonly readOnly: boolean;
      /** What a new one starts with. */
      readonly seed?: { readonly from: SourcePlace; readonly source: string } | undefined;
      /** Of the folder of a new one. */
      readonly mode?: number | undefined;
      readonly uid?: number | undefined;
      readonly gid?: number | undefined;
    }
  | {
      readonly kind: 'tmpfs';
      readonly target: string;
      /** Bytes. */
      readonly size?: number | undefined;
      readonly mode?: number | undefined;
    }
  | {
      readonly kind: 'secret';
      readonly id: string;
      /** Undefined: only as a variable. */
      readonly target: string | undefined;
      readonly env: string | undefined;
      readonly required: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly kind: 'ssh';
      readonly id: string;
      readonly target: string;
      readonly required: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  /** A heredoc that is a program of its own. */
  | { readonly kind: 'script'; readonly target: string; readonly text: string };

export type Op =
  | { readonly kind: 'scratch'; readonly platform?: Platform | undefined }
  /** An image by name as resolved before planning; `name` is the key in `bases`. */
  | { readonly kind: 'base'; readonly name: string; readonly platform: Platform }
  /** Changes only the configuration. `config` replaces the keys given; an undefined value removes the key. `author` for MAINTAINER. */
  | { readonly kind: 'config'; readonly config: ContainerConfig; readonly author?: string }
  /** ARG and other instructions that leave a history entry and nothing else. */
  | { readonly kind: 'note' }
  /** Sets WorkingDir and creates the directory when it is missing; owner `user` (Dockerfile USER as written, '' = root). */
  | { readonly kind: 'workdir'; readonly path: string; readonly user: string }
  | {
      readonly kind: 'copy';
      readonly instruction: 'COPY' | 'ADD';
      readonly from: SourcePlace;
      /** Expanded source paths or patterns, as written (leading slash kept). */
      readonly sources: readonly string[];
      /** Of ADD: what is fetched from elsewhere; placed after the sources of this place. */
      readonly remotes?: readonly RemoteSource[] | undefined;
      /** Inline files from heredocs. */
      readonly inline: readonly { readonly name: string; readonly text: string }[];
      /** Absolute, with a trailing slash if it was written as a directory. */
      readonly dest: string;
      readonly chown?: string | undefined;
      readonly chmod?: string | undefined;
      /** The folders on the way to a source are kept, from its `/./` or the root on. */
      readonly parents?: true | undefined;
      /** The layer is made without the image below, whose files it neither sees nor follows. */
      readonly link?: true | undefined;
      /** Which archives are unpacked instead of copied. */
      readonly unpack?: 'local' | 'all' | undefined;
      /** Patterns of what is left out, in order. */
      readonly exclude?: readonly string[] | undefined;
    }
  | {
      readonly kind: 'run';
      /** The whole argument vector, shell included. */
      readonly args: readonly string[];
      /** `NAME=value`: the image's Env and the ARGs in scope, in order. */
      readonly env: readonly string[];
      /** Names in `env` whose value comes from an ARG: for explanations, and for the `|2 a=1 b=2` of the history. */
      readonly argNames?: readonly string[] | undefined;
      /** Predefined proxy arguments: in the process, in neither key nor history. */
      readonly secretEnv: readonly string[];
      readonly cwd: string;
      readonly user: string;
      readonly network: 'default' | 'host' | 'none';
      /** What the step calls this machine; the same name for all without it. */
      readonly hostname?: string | undefined;
      /** In the order of the instruction. */
      readonly mounts?: readonly RunMount[] | undefined;
      /** `--security=insecure`. */
      readonly insecure?: true | undefined;
    };

export interface Step {
  readonly id: StepId;
  readonly op: Op;
  /** The step this one changes; undefined for scratch and base. */
  readonly parent: StepId | undefined;
  /** All steps it needs, the parent first. */
  readonly inputs: readonly StepId[];
  /** In the Dockerfile. */
  readonly origin: Range;
  /** As shown: `[build 2/5] RUN gcc …` without the bracket part; first line, expanded where the language expands. */
  readonly text: string;
  /** Stage name or index, and position in the stage for `[build 2/5]`. */
  readonly stage: {
    readonly name: string;
    readonly index: number;
    readonly step: number;
    readonly steps: number;
  };
  /** Set by the language, not by an instruction of its own (a default PATH, `--label`, the source image of a COPY): it shares the number of the step it belongs to and need not be printed. */
  readonly implied?: true | undefined;
  /** `created_by` of the history entry this step adds; undefined adds none. */
  readonly createdBy: string | undefined;
}

/** Inputs come first; only what the output needs. */
export interface BuildGraph {
  readonly steps: readonly Step[];
  readonly output: StepId;
  readonly platform: Platform;
  /** What the author should know though the build goes on, in order of the file. */
  readonly warnings?: readonly Problem[] | undefined;
}
