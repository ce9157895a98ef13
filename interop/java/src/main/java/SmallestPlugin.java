// The smallest correct plugin on stock grpc-java: it echoes.

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.File;
import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.util.concurrent.atomic.AtomicLong;
import servehttp.v1.Exchange.End;
import servehttp.v1.Exchange.ResponseInit;
import servehttp.v1.Exchange.ServeHTTPRequest;
import servehttp.v1.Exchange.ServeHTTPResponse;
import servehttp.v1.Plugin.Carrier;
import servehttp.v1.Plugin.DescribeRequest;
import servehttp.v1.Plugin.DescribeResponse;
import servehttp.v1.PluginServiceGrpc;
import sun.misc.Signal;

final class SmallestPlugin extends PluginServiceGrpc.PluginServiceImplBase {
  private final AtomicLong cuts = new AtomicLong(); // Uploads that were cut off.

  @Override
  public void describe(DescribeRequest request, StreamObserver<DescribeResponse> answer) {
    if (!request.getContractVersionsList().contains(1)) {
      answer.onError(Status.FAILED_PRECONDITION.withDescription("this plugin speaks version 1").asException());
      return;
    }
    answer.onNext(DescribeResponse.newBuilder()
        .setContractVersion(1)
        .setServesHttp(true)
        .addCarriers(Carrier.CARRIER_STREAM)
        .setSoftware("smallest grpc-java")
        .build());
    answer.onCompleted();
  }

  /** One exchange. What it throws ends the RPC with UNKNOWN: the host answers 500. */
  @Override
  public StreamObserver<ServeHTTPRequest> serveHTTP(StreamObserver<ServeHTTPResponse> observer) {
    var response = (ServerCallStreamObserver<ServeHTTPResponse>) observer;
    var echo = new Echo(response);
    response.disableAutoRequest(); // The next message is asked for when there is room: the back-pressure.
    response.setOnReadyHandler(echo::resume);
    response.setOnCancelHandler(echo::cut);
    return echo;
  }

  private final class Echo implements StreamObserver<ServeHTTPRequest> {
    private final ServerCallStreamObserver<ServeHTTPResponse> response;
    private boolean waits = true; // For room, before it asks for the next message.
    private boolean isEcho;
    private boolean isOver;

    Echo(ServerCallStreamObserver<ServeHTTPResponse> response) {
      this.response = response;
    }

    void resume() {
      if (waits && !isOver) {
        waits = false;
        response.request(1);
      }
    }

    @Override
    public void onNext(ServeHTTPRequest message) {
      if (message.hasInit()) {
        begin(message.getInit().getUrl());
      }
      if (isOver) {
        return;
      }
      if (!message.getChunk().isEmpty()) { // 64 KiB at most: what is longer has to be cut.
        response.onNext(ServeHTTPResponse.newBuilder().setChunk(message.getChunk()).build());
      }
      if (message.hasEnd()) { // Nothing else proves that the body is whole: onCompleted does not.
        finish(ServeHTTPResponse.newBuilder());
        return;
      }
      waits = true;
      if (response.isReady()) {
        resume();
      }
    }

    private void begin(String url) {
      if (url.endsWith("?fail")) {
        isOver = true;
        throw new IllegalStateException("as asked");
      }
      var head = ServeHTTPResponse.newBuilder().setInit(ResponseInit.newBuilder().setStatus(200)).setFlush(true);
      if (url.equals("/cut")) {
        finish(head.setChunk(ByteString.copyFrom(Long.toString(cuts.get()), UTF_8)));
        return;
      }
      isEcho = true;
      response.onNext(head.build()); // Before the body has come.
    }

    private void finish(ServeHTTPResponse.Builder last) {
      isOver = true;
      response.onNext(last.setEnd(End.getDefaultInstance()).build());
      response.onCompleted();
    }

    private void cut() {
      if (isEcho && !isOver) {
        cuts.incrementAndGet();
      }
      isOver = true;
    }

    @Override
    public void onError(Throwable cause) {
      cut(); // The host has given the exchange up.
    }

    @Override
    public void onCompleted() {
      if (!isOver) { // No end: the host breaks the response.
        cut();
        response.onError(Status.INTERNAL.withDescription("the upload was cut off").asException());
      }
    }
  }

  /** Lets in only who knows the token. */
  private static ServerInterceptor refuseStrangers(String token) {
    var expected = ("Bearer " + token).getBytes(UTF_8);
    var key = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    return new ServerInterceptor() {
      @Override
      public <Q, A> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        var given = headers.get(key);
        if (given != null && MessageDigest.isEqual(given.getBytes(UTF_8), expected)) {
          return next.startCall(call, headers);
        }
        call.close(Status.UNAUTHENTICATED.withDescription("the token is missing or wrong"), new Metadata());
        return new ServerCall.Listener<>() {};
      }
    };
  }

  public static void main(String[] arguments) throws Exception {
    var address = System.getenv("SERVEHTTP_ADDRESS");
    var token = System.getenv("SERVEHTTP_TOKEN");
    var path = address.startsWith("unix:") ? new File(address.substring("unix:".length())) : null;
    var colon = address.lastIndexOf(':');
    var builder = path == null
        ? NettyServerBuilder.forAddress(new InetSocketAddress(
            address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))))
        : NettyServerBuilder.forAddress(new DomainSocketAddress(path))
            .channelType(EpollServerDomainSocketChannel.class)
            .bossEventLoopGroup(new EpollEventLoopGroup(1))
            .workerEventLoopGroup(new EpollEventLoopGroup(1));
    if (token != null) {
      builder.intercept(refuseStrangers(token));
    }
    var server = builder
        .initialFlowControlWindow(4_194_304) // Of streams and connection. It grows, as bytes are read.
        .addService(new SmallestPlugin())
        .addService(new HealthStatusManager().getHealthService())
        .build()
        .start();
    Signal.handle(new Signal("TERM"), signal -> server.shutdown()); // GOAWAY; what runs ends.
    server.awaitTermination();
    if (path != null) {
      path.delete();
    }
    System.exit(0); // The event loops have threads that would go on.
  }
}
