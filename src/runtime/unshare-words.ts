/** util-linux's unshare (2.38) says so, and ends with 1, when SIGKILL ended its child, whose way it tries in vain to go itself. */
export const WORDS_OF_A_KILL = /^unshare: sigprocmask unblock failed/m;
