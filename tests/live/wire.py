"""A wire: one connection to a server, in the clear or under TLS, read line by line."""
import select
import socket
import ssl
import time

CONNECT_TIMEOUT = 5.0
REPLY_TIMEOUT = 12.0
CLOSED = "connection closed"
SILENT = "no answer"

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


class Stopped(Exception):
    """The server did not let the client get as far as it wanted; the text is the server's, or says what it did."""


class Wire:
    """A connection, read line by line."""

    def __init__(self, server, port, source, timeout=REPLY_TIMEOUT):
        self.socket = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_STREAM)
        self.buffer = b""
        try:
            self.socket.settimeout(CONNECT_TIMEOUT)
            self.socket.bind((source, 0))
            self.socket.connect((server, port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.source_port = self.socket.getsockname()[1]
        self.socket.settimeout(timeout)

    def handshake(self, given_up=lambda: False):
        timeout = self.socket.gettimeout()
        end = time.monotonic() + timeout
        try:
            self.socket = CONTEXT.wrap_socket(self.socket, do_handshake_on_connect=False)
            self.socket.setblocking(False)
            while True:
                try:
                    self.socket.do_handshake()
                    break
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    if time.monotonic() > end or given_up():
                        raise TimeoutError from None
                    select.select([self.socket], [], [], 0.1)
            self.socket.settimeout(timeout)
        except (ssl.SSLError, OSError) as error:
            if isinstance(error, (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)):
                raise Stopped(f"TLS: {CLOSED}") from None
            if isinstance(error, TimeoutError):
                raise Stopped(f"TLS: {SILENT}") from None
            raise Stopped(f"TLS: {getattr(error, 'reason', None) or error}") from None
        self.buffer = b""

    def send(self, line):
        try:
            self.socket.sendall(line.encode() + b"\r\n")
        except OSError:
            raise Stopped(CLOSED) from None

    def line(self):
        while b"\n" not in self.buffer:
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                raise Stopped(SILENT) from None
            except OSError:
                raise Stopped(CLOSED) from None
            if not more:
                raise Stopped(CLOSED)
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode("utf-8", "replace").rstrip("\r")

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass
