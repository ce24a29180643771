/** The programs that the interop suites hold Dobos against, with how each tells its version; and the Debian package that has it. */
export interface Peer {
  readonly name: string;
  readonly program: string;
  readonly version: readonly string[];
  readonly debianPackage: string;
  /** A test runs against the peer if its file or full title says one of these words. */
  readonly words: readonly string[];
}

export const PEERS: readonly Peer[] = [
  { name: 'GNU tar', program: '/bin/tar', version: ['--version'], debianPackage: 'tar', words: ['GNU tar'] },
  { name: 'Python tarfile', program: '/usr/bin/python3', version: ['--version'], debianPackage: 'python3', words: ['Python'] },
  { name: 'skopeo', program: '/usr/bin/skopeo', version: ['--version'], debianPackage: 'skopeo', words: ['skopeo'] },
  { name: 'umoci', program: '/usr/bin/umoci', version: ['--version'], debianPackage: 'umoci', words: ['umoci'] },
  { name: 'podman', program: '/usr/bin/podman', version: ['--version'], debianPackage: 'podman', words: ['podman'] },
  { name: 'buildah', program: '/usr/bin/buildah', version: ['--version'], debianPackage: 'buildah', words: ['buildah'] },
  { name: 'docker', program: '/usr/sbin/dockerd', version: ['--version'], debianPackage: 'docker.io', words: ['dockerd', 'docker 20.10'] },
  { name: 'containerd', program: '/usr/bin/ctr', version: ['--version'], debianPackage: 'containerd', words: ['containerd', ' ctr '] },
  { name: 'docker-registry', program: '/usr/bin/docker-registry', version: ['--version'], debianPackage: 'docker-registry', words: ['docker-registry'] },
  { name: 'runc', program: '/usr/sbin/runc', version: ['--version'], debianPackage: 'runc', words: ['runc'] },
  { name: 'crun', program: '/usr/bin/crun', version: ['--version'], debianPackage: 'crun', words: ['crun'] },
  { name: 'rpm', program: '/usr/bin/rpm', version: ['--version'], debianPackage: 'rpm', words: ['rpm'] },
]; // biome-ignore format: a table

/** Packages that the suites and the demo need besides the peers. */
export const OTHER_PACKAGES: readonly string[] = [
  'mmdebstrap', 'arch-test', 'busybox-static', 'uidmap', 'nftables', 'iproute2', 'slirp4netns', 'passt', 'runsc', 'fuse-overlayfs', 'attr', 'libcap2-bin', 'xz-utils', 'bzip2',
  'zstd', 'acl', 'tmux', 'gcc', 'libc6-dev', 'util-linux', 'mount', 'passwd', 'procps', 'openssl', 'openssh-client', 'qemu-user-static', 'git', 'tini',
]; // biome-ignore format: a list
