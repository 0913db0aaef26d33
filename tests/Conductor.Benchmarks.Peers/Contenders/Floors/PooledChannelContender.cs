using System.Threading.Channels;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Contenders.Floors;

/// <summary>A channel per callee and a reply that is used again: the floor for everything with a queue between caller and callee.</summary>
internal sealed class PooledChannelContender : Contender, ICallContender, IWorkflowContender, IPublishContender
{
    public const string PlainName = "channel";

    private readonly List<Channel<PooledRequest>> _workers = [];
    private readonly List<Channel<int>> _subscribers = [];
    private readonly List<Task> _loops = [];
    private PooledRequest[] _tasks = [];
    private int _phases;

    public override string Name => PlainName;

    public override string Title => "channel hop, pooled reply";

    public override Traits Traits { get; } = new() { Queue = Traits.Yes, OneAtATime = Traits.Yes };

    public override Task StartAsync() => Task.CompletedTask;

    public Task AddWorkersAsync(int count, bool suspending)
    {
        for (var i = 0; i < count; i++)
        {
            var channel = Channel.CreateUnbounded<PooledRequest>(new UnboundedChannelOptions { SingleReader = true });
            _workers.Add(channel);
            _loops.Add(WorkAsync(channel.Reader, suspending ? new SuspendingAgent() : new PlusOneAgent()));
        }

        return Task.CompletedTask;
    }

    public async Task CallAsync(Caller caller)
    {
        var request = new PooledRequest();
        while (caller.Next(out var number))
        {
            request.Begin(number);
            _workers[caller.Turn % _workers.Count].Writer.TryWrite(request);
            caller.Done(await request.Reply);
        }
    }

    public object? CreateRequest(int number) => null;

    public Task PrepareWorkflowAsync(int phases, int tasksPerPhase)
    {
        _phases = phases;
        _tasks = [.. Enumerable.Range(0, tasksPerPhase).Select(static _ => new PooledRequest())];
        return AddWorkersAsync(tasksPerPhase, suspending: false);
    }

    public async ValueTask<int> RunWorkflowAsync()
    {
        var right = 0;
        for (var phase = 0; phase < _phases; phase++)
        {
            for (var task = 0; task < _tasks.Length; task++)
            {
                _tasks[task].Begin(task);
                _workers[task].Writer.TryWrite(_tasks[task]);
            }

            for (var task = 0; task < _tasks.Length; task++)
            {
                right += await _tasks[task].Reply == task + 1 ? 1 : 0;
            }
        }

        return right;
    }

    public Task SubscribeAsync(IReadOnlyList<Subscriber> subscribers)
    {
        foreach (var subscriber in subscribers)
        {
            var channel = Channel.CreateUnbounded<int>(new UnboundedChannelOptions { SingleReader = true });
            _subscribers.Add(channel);
            _loops.Add(ReceiveAsync(channel.Reader, subscriber));
        }

        return Task.CompletedTask;
    }

    public ValueTask PublishAsync(int count)
    {
        for (var number = 0; number < count; number++)
        {
            foreach (var subscriber in _subscribers)
            {
                subscriber.Writer.TryWrite(number);
            }
        }

        return ValueTask.CompletedTask;
    }

    public object? CreateMessage(int number) => null;

    public override async ValueTask DisposeAsync()
    {
        _workers.ForEach(static worker => worker.Writer.Complete());
        _subscribers.ForEach(static subscriber => subscriber.Writer.Complete());
        await Task.WhenAll(_loops);
    }

    private static async Task WorkAsync(ChannelReader<PooledRequest> requests, NumberAgent agent)
    {
        await foreach (var request in requests.ReadAllAsync())
        {
            request.Complete(await agent.RunAsync(request.Number));
        }
    }

    private static async Task ReceiveAsync(ChannelReader<int> messages, Subscriber subscriber)
    {
        await foreach (var number in messages.ReadAllAsync())
        {
            subscriber.Receive(number);
        }
    }
}
