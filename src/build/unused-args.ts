import type { Dockerfile } from '../dockerfile/ast.ts';

/** Arguments that count without an ARG (Dockerfile reference, "Predefined ARGs"; BuildKit's own). */
const PREDEFINED =
  /^(?:(?:https?|ftp|no|all)_proxy|HTTPS?_PROXY|FTP_PROXY|NO_PROXY|ALL_PROXY|SOURCE_DATE_EPOCH|BUILDKIT_\w+|(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT|OSVERSION)|TARGETSTAGE)$/;

/** The build arguments given that no ARG of the file declares, in the order given. */
export function unusedBuildArgs(file: Dockerfile, given: Iterable<string>): string[] {
  const declared = new Set<string>();
  for (const instruction of file.instructions) {
    const inner = instruction.kind === 'ONBUILD' ? instruction.trigger : instruction;
    if (inner.kind === 'ARG') for (const { name } of inner.pairs) declared.add(name.text);
  }
  return [...given].filter((name) => !declared.has(name) && !PREDEFINED.test(name));
}
