using System.Threading.Channels;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Contenders.Floors;

/// <summary>A channel per callee and a task for each reply: what people write by hand.</summary>
internal sealed class TaskChannelContender : Contender, ICallContender
{
    private readonly List<Channel<TaskRequest>> _workers = [];
    private readonly List<Task> _loops = [];

    public override string Name => "channel-tcs";

    public override string Title => "channel hop, TaskCompletionSource";

    public override Traits Traits { get; } = new() { Queue = Traits.Yes, OneAtATime = Traits.Yes };

    public override Task StartAsync() => Task.CompletedTask;

    public Task AddWorkersAsync(int count, bool suspending)
    {
        for (var i = 0; i < count; i++)
        {
            var channel = Channel.CreateUnbounded<TaskRequest>(new UnboundedChannelOptions { SingleReader = true });
            _workers.Add(channel);
            _loops.Add(WorkAsync(channel.Reader, suspending ? new SuspendingAgent() : new PlusOneAgent()));
        }

        return Task.CompletedTask;
    }

    public async Task CallAsync(Caller caller)
    {
        while (caller.Next(out var number))
        {
            var request = new TaskRequest(number);
            _workers[caller.Turn % _workers.Count].Writer.TryWrite(request);
            caller.Done(await request.Reply.Task);
        }
    }

    public object? CreateRequest(int number) => null;

    public override async ValueTask DisposeAsync()
    {
        _workers.ForEach(static worker => worker.Writer.Complete());
        await Task.WhenAll(_loops);
    }

    private static async Task WorkAsync(ChannelReader<TaskRequest> requests, NumberAgent agent)
    {
        await foreach (var request in requests.ReadAllAsync())
        {
            request.Reply.SetResult(await agent.RunAsync(request.Number));
        }
    }
}
