using System.Net;
using System.Net.Sockets;
using Conductor.Benchmarks.Peers.Measuring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Conductor.Benchmarks.Peers.Contenders.OrleansGrains;

/// <summary>Orleans: calls to grains of a silo in the same process. A workflow is a fan-out of calls, three times, without saved progress.</summary>
internal sealed class OrleansContender : Contender, ICallContender, IWorkflowContender
{
    private readonly List<INumberGrain> _grains = [];
    private IHost _host = null!;
    private bool _suspending;
    private int _phases;

    public override string Name => "orleans";

    public override string Title => "Orleans";

    public override Traits Traits { get; } = new() { Queue = Traits.Yes, OneAtATime = Traits.Yes, Timeout = Traits.Yes };

    public override string Package => PackageOf("Microsoft.Orleans.Server", typeof(ISiloBuilder));

    public override async Task StartAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(static silo => silo.UseLocalhostClustering(FreePort(), FreePort()));
        _host = builder.Build();
        await _host.StartAsync();
    }

    public async Task AddWorkersAsync(int count, bool suspending)
    {
        _suspending = suspending;
        var factory = _host.Services.GetRequiredService<IGrainFactory>();
        for (var i = 0; i < count; i++)
        {
            var grain = factory.GetGrain<INumberGrain>(_grains.Count);
            await grain.NextAsync(0);
            _grains.Add(grain);
        }
    }

    public async Task CallAsync(Caller caller)
    {
        while (caller.Next(out var number))
        {
            var grain = _grains[caller.Turn % _grains.Count];
            caller.Done(await (_suspending ? grain.NextLaterAsync(number) : grain.NextAsync(number)));
        }
    }

    public object? CreateRequest(int number) => null;

    public Task PrepareWorkflowAsync(int phases, int tasksPerPhase)
    {
        _phases = phases;
        return AddWorkersAsync(tasksPerPhase, suspending: false);
    }

    public async ValueTask<int> RunWorkflowAsync()
    {
        var right = 0;
        var calls = new Task<int>[_grains.Count];
        for (var phase = 0; phase < _phases; phase++)
        {
            for (var task = 0; task < calls.Length; task++)
            {
                calls[task] = _grains[task].NextAsync(task).AsTask();
            }

            var replies = await Task.WhenAll(calls);
            right += replies.Where(static (reply, task) => reply == task + 1).Count();
        }

        return right;
    }

    public override async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
