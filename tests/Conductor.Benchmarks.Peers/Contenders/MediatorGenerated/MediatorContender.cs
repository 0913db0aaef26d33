using Conductor.Benchmarks.Peers.Measuring;
using Mediator;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Benchmarks.Peers.Contenders.MediatorGenerated;

/// <summary>The source-generated mediator: a call to a handler that is looked up by type, in the caller's own flow.</summary>
internal sealed class MediatorContender : Contender, ICallContender
{
    private ServiceProvider _provider = null!;
    private bool _suspending;

    public override string Name => "mediator";

    public override string Title => "Mediator (source generated)";

    public override Traits Traits { get; } = new();

    public override string Package => PackageOf("Mediator.Abstractions", typeof(ISender));

    public override Task StartAsync()
    {
        var services = new ServiceCollection();
        services.AddMediator(static options => options.ServiceLifetime = ServiceLifetime.Singleton);
        _provider = services.BuildServiceProvider();
        return Task.CompletedTask;
    }

    public Task AddWorkersAsync(int count, bool suspending)
    {
        _suspending = suspending;
        return Task.CompletedTask;
    }

    public async Task CallAsync(Caller caller)
    {
        var sender = _provider.GetRequiredService<ISender>();
        while (caller.Next(out var number))
        {
            caller.Done(_suspending ? await sender.Send(new AskLater(number)) : await sender.Send(new Ask(number)));
        }
    }

    public object? CreateRequest(int number) => new Ask(number);

    public override ValueTask DisposeAsync() => _provider.DisposeAsync();
}
