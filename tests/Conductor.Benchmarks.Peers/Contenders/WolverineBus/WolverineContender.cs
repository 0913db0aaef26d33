using Conductor.Benchmarks.Peers.Measuring;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Wolverine;
using Wolverine.Runtime;

namespace Conductor.Benchmarks.Peers.Contenders.WolverineBus;

/// <summary>Wolverine as a mediator: <c>InvokeAsync</c> runs the handler in the caller's own flow, so there are no workers to be busy.</summary>
internal sealed class WolverineContender : Contender, ICallContender
{
    private IHost _host = null!;
    private bool _suspending;

    public override string Name => "wolverine";

    public override string Title => "Wolverine InvokeAsync";

    public override Traits Traits { get; } = new() { Retries = "when set up" };

    public override string Package => PackageOf("WolverineFx", typeof(IMessageBus));

    public override async Task StartAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseWolverine(static options =>
        {
            options.Durability.Mode = DurabilityMode.MediatorOnly;
            options.Discovery.DisableConventionalDiscovery().IncludeType(typeof(NumberHandler));
        });
        _host = builder.Build();
        await _host.StartAsync();
    }

    public Task AddWorkersAsync(int count, bool suspending)
    {
        _suspending = suspending;
        return Task.CompletedTask;
    }

    public async Task CallAsync(Caller caller)
    {
        var bus = new MessageBus((IWolverineRuntime)_host.Services.GetService(typeof(IWolverineRuntime))!);
        while (caller.Next(out var number))
        {
            var answer = await bus.InvokeAsync<Answer>(_suspending ? new AskLater(number) : new Ask(number));
            caller.Done(answer.Number);
        }
    }

    public object? CreateRequest(int number) => new Ask(number);

    public override async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
