using Conductor.Benchmarks.Peers.Measuring;
using Proto;

namespace Conductor.Benchmarks.Peers.Contenders.ProtoActor;

/// <summary>Proto.Actor: <c>RequestAsync</c>, and the event stream. A workflow is a fan-out of requests, three times, without saved progress.</summary>
internal sealed class ProtoContender : Contender, ICallContender, IWorkflowContender, IPublishContender
{
    public const string PlainName = "proto";

    private readonly List<PID> _actors = [];
    private ActorSystem _system = null!;
    private int _phases;

    public override string Name => PlainName;

    public override string Title => "Proto.Actor";

    public override Traits Traits { get; } = new() { Queue = Traits.Yes, OneAtATime = Traits.Yes };

    public override string Package => PackageOf("Proto.Actor", typeof(ActorSystem));

    public override Task StartAsync()
    {
        _system = new ActorSystem();
        return Task.CompletedTask;
    }

    public Task AddWorkersAsync(int count, bool suspending)
    {
        var props = suspending ? Props.FromProducer(static () => new SuspendingActor()) : Props.FromProducer(static () => new NumberActor());
        for (var i = 0; i < count; i++)
        {
            _actors.Add(_system.Root.Spawn(props));
        }

        return Task.CompletedTask;
    }

    public async Task CallAsync(Caller caller)
    {
        while (caller.Next(out var number))
        {
            var reply = await _system.Root.RequestAsync<Reply>(_actors[caller.Turn % _actors.Count], new Request(number));
            caller.Done(reply.Number);
        }
    }

    public object? CreateRequest(int number) => new Request(number);

    public Task PrepareWorkflowAsync(int phases, int tasksPerPhase)
    {
        _phases = phases;
        return AddWorkersAsync(tasksPerPhase, suspending: false);
    }

    public async ValueTask<int> RunWorkflowAsync()
    {
        var right = 0;
        var requests = new Task<Reply>[_actors.Count];
        for (var phase = 0; phase < _phases; phase++)
        {
            for (var task = 0; task < requests.Length; task++)
            {
                requests[task] = _system.Root.RequestAsync<Reply>(_actors[task], new Request(task));
            }

            var replies = await Task.WhenAll(requests);
            right += replies.Where(static (reply, task) => reply.Number == task + 1).Count();
        }

        return right;
    }

    public Task SubscribeAsync(IReadOnlyList<Subscriber> subscribers)
    {
        foreach (var subscriber in subscribers)
        {
            _system.EventStream.Subscribe<Published>(_system.Root, _system.Root.Spawn(Props.FromProducer(() => new SubscriberActor(subscriber))));
        }

        return Task.CompletedTask;
    }

    public ValueTask PublishAsync(int count)
    {
        for (var number = 0; number < count; number++)
        {
            _system.EventStream.Publish(new Published(number));
        }

        return ValueTask.CompletedTask;
    }

    public object? CreateMessage(int number) => new Published(number);

    public override async ValueTask DisposeAsync()
    {
        await _system.ShutdownAsync();
        await _system.DisposeAsync();
    }
}
