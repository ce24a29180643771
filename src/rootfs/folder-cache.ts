import { closeFd, O_DIRECTORY, O_PATH, openBeneath } from '../linux/at.ts';

/** Descriptors kept open. Tars list a directory's files together, so few are needed; the limit of open files is often 1024. */
const MAX_OPEN = 64;

/** Descriptors of directories below a root, found without following any symbolic link. */
export interface FolderCache {
  /** A descriptor for `*at` calls only (O_PATH); the cache closes it. @throws LINUX_CALL (ENOENT, ENOTDIR, ELOOP) */
  open(path: string): number;
  /** Forgets all: directories have been removed. */
  clear(): void;
}

export function createFolderCache(rootFd: number): FolderCache {
  const fds = new Map<string, number>();
  const clear = (): void => {
    for (const fd of fds.values()) closeFd(fd);
    fds.clear();
  };
  return {
    open(path) {
      if (path === '') return rootFd;
      const known = fds.get(path);
      if (known !== undefined) return known;
      const fd = openBeneath(rootFd, path, O_PATH | O_DIRECTORY);
      if (fds.size >= MAX_OPEN) {
        const [oldest] = fds;
        closeFd(oldest![1]);
        fds.delete(oldest![0]);
      }
      fds.set(path, fd);
      return fd;
    },
    clear,
  };
}
