/** Why a WebSocket is closed by us. From 4000 on the codes are ours (RFC 6455, 7.4.2): 4000 and the status that HTTP would have. */
export const closings = {
  ending: [1001, "the server ends or is opened anew: come back"],
  takesNothing: [1003, "this socket takes no messages"],
  unauthenticated: [4401, "the key or token is no longer good"],
  removed: [4404, "the app was removed"],
  tooSlow: [4408, "what was sent was not taken in time"],
} as const;

export type Closing = (typeof closings)[keyof typeof closings];
