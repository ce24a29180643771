import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { FileRegion } from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import { createTarDecoder } from '../tar/decoder.ts';
import type { TarHeader, TarPlace } from '../tar/header.ts';
import { imageError } from './errors.ts';

/** Members of an archive of images: the largest known have some thousand; the bound is memory. */
const MAX_MEMBERS = 100_000;
/** Symbolic links followed one after the other, as Linux does. */
const MAX_LINKS = 40;
/** Read at once: headers stand alone between contents that are jumped over. */
const READ_BYTES = 32 * 1024;

/** Where the members of an archive of images are. Names are cleaned and clamped at the archive's root: nothing outside is ever meant. */
export interface ArchiveIndex {
  /** The bytes of a member, symbolic and hard links followed inside the archive; undefined if there is none. @throws ARCHIVE_MEMBER_TYPE */
  find(member: string): FileRegion | undefined;
  readonly count: number;
}

type Member =
  | { readonly kind: 'file'; readonly offset: number; readonly size: number; readonly sparse: boolean }
  /** `relative`: a symbolic link, read from its own folder; a hard link's target starts at the archive's root. */
  | { readonly kind: 'link'; readonly target: string; readonly relative: boolean }
  | { readonly kind: 'other' };

/** The members of the tar at `path`, read by jumping from header to header. `shown` is the name for messages. @throws ARCHIVE_TOO_MANY_MEMBERS, TAR_ errors */
export function indexArchive(path: string, shown: string): ArchiveIndex {
  const members = new Map<string, Member>();
  const decoder = createTarDecoder(
    {
      onEntry(header, place) {
        if (members.size >= MAX_MEMBERS)
          throw imageError('ARCHIVE_TOO_MANY_MEMBERS', { path: shown, limit: MAX_MEMBERS });
        // The last of a name wins, as in every reader.
        members.set(cleanMember(header.name), memberOf(header, place));
      },
    },
    { trailing: 'ignore' },
  );
  const fd = openSync(fsPath(path), 'r');
  try {
    const size = fstatSync(fd).size;
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    for (let at = 0; at < size; ) {
      const skip = Math.min(decoder.skippable, size - at);
      if (skip > 0) {
        decoder.skip(skip);
        at += skip;
        continue;
      }
      const got = readSync(fd, buffer, 0, buffer.length, at);
      if (got === 0) break;
      decoder.write(buffer.subarray(0, got));
      at += got;
    }
    decoder.end();
  } finally {
    closeSync(fd);
  }
  return {
    count: members.size,
    find(name) {
      let at = cleanMember(name);
      for (let i = 0; i < MAX_LINKS; i++) {
        const member = members.get(at);
        if (member === undefined) return undefined;
        if (member.kind === 'link') {
          at = cleanMember(member.relative ? `${folderOf(at)}/${member.target}` : member.target);
          continue;
        }
        if (member.kind === 'other')
          throw imageError('ARCHIVE_MEMBER_TYPE', { path: shown, member: name, why: 'it is no file' });
        if (member.sparse)
          throw imageError('ARCHIVE_MEMBER_TYPE', {
            path: shown,
            member: name,
            why: 'it is stored with holes, which archives of images never are',
          });
        return { path, offset: member.offset, size: member.size };
      }
      throw imageError('ARCHIVE_MEMBER_TYPE', {
        path: shown,
        member: name,
        why: `its symbolic links go in a circle (more than ${MAX_LINKS})`,
      });
    },
  };
}

function memberOf(header: TarHeader, place: TarPlace): Member {
  switch (header.kind) {
    case 'file':
      return { kind: 'file', offset: place.offset, size: header.size, sparse: header.sparse !== undefined };
    case 'symlink':
      return { kind: 'link', target: header.linkName, relative: !header.linkName.startsWith('/') };
    case 'hardlink':
      return { kind: 'link', target: header.linkName, relative: false };
    default:
      return { kind: 'other' };
  }
}

/** The name without `.`, `..`, doubled and leading slashes. */
export function cleanMember(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function folderOf(member: string): string {
  return member.slice(0, Math.max(0, member.lastIndexOf('/')));
}
