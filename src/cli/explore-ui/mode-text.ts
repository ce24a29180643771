import type { FileKind } from '../../layer/types.ts';

const KINDS: Readonly<Record<FileKind, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  hardlink: '-',
  character: 'c',
  block: 'b',
  fifo: 'p',
};

/** As `ls -l` writes it: `-rwxr-xr-x`. */
export function modeText(kind: FileKind, mode: number): string {
  const triple = (bits: number, special: boolean, sign: string): string => {
    const execute = (bits & 1) !== 0;
    const last = special ? (execute ? sign : sign.toUpperCase()) : execute ? 'x' : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  };
  return (
    KINDS[kind] +
    triple((mode >> 6) & 7, (mode & 0o4000) !== 0, 's') +
    triple((mode >> 3) & 7, (mode & 0o2000) !== 0, 's') +
    triple(mode & 7, (mode & 0o1000) !== 0, 't')
  );
}
