import type { Inode, PlannedEntry } from '../../layer/types.ts';
import type { ChangeMode } from '../chmod.ts';

/** An entry that may turn out to be another name of an earlier one. */
export type Placed = PlannedEntry & {
  readonly identity?: string | undefined;
  /** sha256 (hex) that the content must have once it is packed. */
  readonly digest?: string | undefined;
};

/** What the flags of a COPY and SOURCE_DATE_EPOCH make of attributes. */
export interface EntryRules {
  mode(mode: number, directory: boolean): number;
  owner(from: { readonly uid: number; readonly gid: number }): { readonly uid: number; readonly gid: number };
  /** Epoch seconds; undefined: nobody dated it. */
  time(mtime: number | undefined): number;
  /** A directory that nobody copied: 0755 and of the `--chown`. */
  newFolder(path: string): Placed;
  /** A directory that the image has: unpackers would make it anew with other attributes, so the layer says them (oci.md L10). */
  keptFolder(path: string, there: Inode): Placed;
}

/** The rules of one COPY. */
export function createEntryRules(o: {
  readonly chmod?: ChangeMode | undefined;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly epoch?: number | undefined;
}): EntryRules {
  const time = (mtime: number | undefined): number =>
    mtime === undefined ? (o.epoch ?? 0) : o.epoch === undefined ? mtime : Math.min(mtime, o.epoch);
  return {
    time,
    mode: (mode, directory) => (o.chmod === undefined ? mode : o.chmod(mode, directory)),
    owner: ({ uid, gid }) => o.owner ?? { uid, gid },
    newFolder: (path) => {
      const { uid, gid } = o.owner ?? { uid: 0, gid: 0 };
      return { path, kind: 'directory', mode: 0o755, uid, gid, mtime: time(undefined) };
    },
    keptFolder: (path, { mode, uid, gid, mtime, xattrs }) => ({
      path,
      kind: 'directory',
      mode,
      uid,
      gid,
      mtime: mtime.seconds,
      ...(xattrs !== undefined && { xattrs }),
    }),
  };
}

export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : name === '' ? folder : `${folder}/${name}`;
}
