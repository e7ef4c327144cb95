from freqtrade.strategy import IStrategy


class Still(IStrategy):
    """Looks at candles and never trades."""
    timeframe = '5m'
    minimal_roi = {}
    stoploss = -0.5
    startup_candle_count = 5

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
