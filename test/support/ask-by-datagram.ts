// What a server says to a datagram, within a moment.

import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

/** Empty where nobody answers. */
export function askByDatagram(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    const end = (text: string) => {
      clearTimeout(timer);
      socket.close();
      resolve(text);
    };
    const timer = setTimeout(() => end(""), 500);
    socket.on("message", (message) => end(message.toString()));
    socket.on("error", () => end(""));
    socket.send("hello\n", port, address);
  });
}
