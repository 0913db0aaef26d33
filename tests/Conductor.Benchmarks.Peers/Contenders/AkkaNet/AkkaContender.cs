using Akka.Actor;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Contenders.AkkaNet;

/// <summary>Akka.NET: <c>Ask</c>, and the event stream. A workflow is a fan-out of asks, three times, without saved progress.</summary>
internal sealed class AkkaContender : Contender, ICallContender, IWorkflowContender, IPublishContender
{
    public const string PlainName = "akka";

    private readonly List<IActorRef> _actors = [];
    private ActorSystem _system = null!;
    private int _phases;

    public override string Name => PlainName;

    public override string Title => "Akka.NET";

    public override Traits Traits { get; } = new() { Queue = Traits.Yes, OneAtATime = Traits.Yes };

    public override string Package => PackageOf("Akka", typeof(ActorSystem));

    public override Task StartAsync()
    {
        _system = ActorSystem.Create("peers", "akka { loglevel = OFF, stdout-loglevel = OFF }");
        return Task.CompletedTask;
    }

    public Task AddWorkersAsync(int count, bool suspending)
    {
        var props = suspending ? Props.Create<SuspendingActor>() : Props.Create<NumberActor>();
        for (var i = 0; i < count; i++)
        {
            _actors.Add(_system.ActorOf(props));
        }

        return Task.CompletedTask;
    }

    public async Task CallAsync(Caller caller)
    {
        while (caller.Next(out var number))
        {
            var reply = await _actors[caller.Turn % _actors.Count].Ask<Reply>(new Request(number));
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
        var asks = new Task<Reply>[_actors.Count];
        for (var phase = 0; phase < _phases; phase++)
        {
            for (var task = 0; task < asks.Length; task++)
            {
                asks[task] = _actors[task].Ask<Reply>(new Request(task));
            }

            var replies = await Task.WhenAll(asks);
            right += replies.Where(static (reply, task) => reply.Number == task + 1).Count();
        }

        return right;
    }

    public Task SubscribeAsync(IReadOnlyList<Subscriber> subscribers)
    {
        foreach (var subscriber in subscribers)
        {
            var actor = _system.ActorOf(Props.Create(() => new SubscriberActor(subscriber)));
            _system.EventStream.Subscribe(actor, typeof(Published));
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

    public override async ValueTask DisposeAsync() => await _system.Terminate();
}
