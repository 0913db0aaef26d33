using System.Numerics;

namespace Conductor.Workflows;

/// <summary>
/// Numbers below a bound, of which the smallest is taken first: a bit for each, and a bit for every 64 bits that says whether one of them is set, and so on
/// up to a single word. Adding and taking touch a word of each level, four for a million numbers. Not thread-safe.
/// </summary>
internal sealed class SmallestFirst
{
    private const int BitsPerWord = 64;

    /// <summary>The numbers themselves first, the single word last.</summary>
    private readonly ulong[][] _levels;

    /// <summary>No numbers yet.</summary>
    /// <param name="bound">All numbers are below this.</param>
    public SmallestFirst(int bound)
    {
        var levels = 1;
        for (var words = WordsFor(bound); words > 1; words = WordsFor(words))
        {
            levels++;
        }

        _levels = new ulong[levels][];
        for (var level = 0; level < levels; level++)
        {
            bound = WordsFor(bound);
            _levels[level] = new ulong[bound];
        }
    }

    public bool IsEmpty => _levels[^1][0] == 0;

    /// <summary>Adds a number that is not there.</summary>
    public void Add(int number)
    {
        foreach (var level in _levels)
        {
            level[number / BitsPerWord] |= 1UL << (number % BitsPerWord);
            number /= BitsPerWord;
        }
    }

    /// <summary>Takes the smallest number. There must be one.</summary>
    public int Take()
    {
        var smallest = 0;
        for (var level = _levels.Length - 1; level >= 0; level--)
        {
            smallest = (smallest * BitsPerWord) + BitOperations.TrailingZeroCount(_levels[level][smallest]);
        }

        var number = smallest;
        foreach (var level in _levels)
        {
            ref var word = ref level[number / BitsPerWord];
            word &= word - 1;
            if (word != 0)
            {
                break;
            }

            number /= BitsPerWord;
        }

        return smallest;
    }

    public void Clear()
    {
        foreach (var level in _levels)
        {
            Array.Clear(level);
        }
    }

    private static int WordsFor(int bits) => Math.Max(1, (bits + BitsPerWord - 1) / BitsPerWord);
}
